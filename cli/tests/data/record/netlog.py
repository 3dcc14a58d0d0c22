"""Keeps of a netlog of Chromium what is about WebSocket.

    chromium --headless --log-net-log=net.json --net-log-capture-mode=Everything page.html
    python3 netlog.py net.json >chromium-netlog.json

`chromium-http2-netlog.json` and `chromium-http2.har` are of the page in `wss/page.html`, from a server of Node.js
that speaks HTTP/2 (`captures/http2/record/server.mjs`); Playwright wrote the HAR, of which only the WebSocket
entries are left.
"""

import json
import sys

KEPT = {
    "REQUEST_ALIVE",
    "URL_REQUEST_START_JOB",
    "HTTP_TRANSACTION_SEND_REQUEST_HEADERS",
    "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS",
    "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
    "FAILED",
}

text = open(sys.argv[1]).read()
end = "\n]}"
try:
    log = json.loads(text)
except json.JSONDecodeError:
    # The browser was killed, so the end is missing; the result lacks it, too.
    log = json.loads(text.rstrip().rstrip(",") + "]}")
    end = ","
names = {number: name for name, number in log["constants"]["logEventTypes"].items()}

def is_websocket(event):
    params = json.dumps(event.get("params", {}))
    return "ws://" in params or "wss://" in params


sources = {event["source"]["id"] for event in log["events"] if is_websocket(event)}
events = [
    event
    for event in log["events"]
    if event["source"]["id"] in sources
    and (names[event["type"]] in KEPT or "WEBSOCKET" in names[event["type"]])
]
failures = {event.get("params", {}).get("net_error") for event in events}
constants = {
    "logEventTypes": {names[number]: number for number in {e["type"] for e in events}},
    "netError": {name: n for name, n in log["constants"]["netError"].items() if n in failures},
    "timeTickOffset": log["constants"]["timeTickOffset"],
}
print('{"constants":' + json.dumps(constants) + ',\n"events": [')
print(",\n".join(json.dumps(event) for event in events) + end)
