"""An ASGI application that accepts only text, for hypercorn."""

import pathlib

PAGE = (pathlib.Path(__file__).parent / "page.html").read_bytes()


async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE})
        return
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("bytes") is not None:
            await send({"type": "websocket.close", "code": 1003, "reason": "text only"})
            return
        await send({"type": "websocket.send", "text": event["text"]})
