"""An ASGI application that echoes WebSocket messages, for hypercorn.

Writes a JSON line for each message and each end that it gets. It does not know its stream, so that its
lines have the path instead.
"""

import json


def log(**line):
    print(json.dumps({"endpoint": "server", **line}), flush=True)


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ordinary"})
        return
    if scope["type"] != "websocket":
        return
    path = scope["raw_path"].decode() + ("?" if scope["query_string"] else "")
    path += scope["query_string"].decode()
    await receive()
    if path == "/forbidden":
        await send({"type": "websocket.close"})
        return
    chosen = "chat" if "chat" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            log(path=path, close=event["code"])
            return
        text, data = event.get("text"), event.get("bytes")
        opcode, payload = (1, text.encode()) if text is not None else (2, data)
        log(path=path, opcode=opcode, payload=payload.hex())
        await send({"type": "websocket.send", "text": text, "bytes": data})
