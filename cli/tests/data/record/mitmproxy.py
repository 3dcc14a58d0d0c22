"""Records flows of mitmproxy: two WebSocket connections through a reverse proxy, and one that is refused.

    mitmdump --mode reverse:http://127.0.0.1:9001 -p 9002 -w mitmproxy.flow &
    python3 mitmproxy.py
"""

import asyncio

import websockets


async def serve(socket):
    async for message in socket:
        if isinstance(message, bytes):
            await socket.close(1003, "text only")
        else:
            await socket.send(message.upper())


async def refuse(path, headers):
    return (403, [], b"no") if path == "/no" else None


async def main():
    async with websockets.serve(serve, "127.0.0.1", 9001, process_request=refuse):
        async with websockets.connect("ws://127.0.0.1:9002/echo") as socket:
            await socket.send("hello")
            await socket.recv()
            await socket.close(1000, "done")
        async with websockets.connect("ws://127.0.0.1:9002/text", subprotocols=None) as socket:
            await socket.send("größer")
            await socket.recv()
            await socket.send(b"\x00\x01")
            await socket.wait_closed()
        try:
            await websockets.connect("ws://127.0.0.1:9002/no")
        except websockets.exceptions.InvalidStatusCode:
            pass


asyncio.run(main())
