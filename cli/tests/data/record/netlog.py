"""Keeps of a netlog of Chromium what is about WebSocket.

    chromium --headless --log-net-log=net.json --net-log-capture-mode=Everything page.html
    python3 netlog.py net.json >chromium-netlog.json
"""

import json
import sys

KEPT = {
    "REQUEST_ALIVE",
    "URL_REQUEST_START_JOB",
    "HTTP_TRANSACTION_SEND_REQUEST_HEADERS",
    "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
    "FAILED",
}

text = open(sys.argv[1]).read()
try:
    log = json.loads(text)
except json.JSONDecodeError:
    # The browser was killed, so the end is missing; the result lacks it, too.
    log = json.loads(text.rstrip().rstrip(",") + "]}")
names = {number: name for name, number in log["constants"]["logEventTypes"].items()}
sources = {e["source"]["id"] for e in log["events"] if "ws://" in json.dumps(e.get("params", {}))}
events = [
    event
    for event in log["events"]
    if event["source"]["id"] in sources
    and (names[event["type"]] in KEPT or "WEBSOCKET" in names[event["type"]])
]
constants = {
    "logEventTypes": {names[number]: number for number in {e["type"] for e in events}},
    "netError": log["constants"]["netError"],
    "timeTickOffset": log["constants"]["timeTickOffset"],
}
print('{"constants":' + json.dumps(constants) + ',\n"events": [')
print(",\n".join(json.dumps(event) for event in events) + ",")
