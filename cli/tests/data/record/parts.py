"""Messages of which one comes in parts, or small compressed ones:

    SSLKEYLOGFILE=KEYS python parts.py 80 clear | 9443 tls | 9011 compressed
"""
import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

port, how = int(sys.argv[1]), sys.argv[2]
clear, compressed = how == "clear", how == "compressed"
messages = [f"message {n} " + "ab" * n for n in range(7)] if compressed else ["first", b"\0" * 70000, "first", "last"]

server = client = None
if not clear:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain("cert.pem", "key.pem")
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE


async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)


async def main():
    options = {"compression": "deflate" if compressed else None}
    async with serve(echo, "127.0.0.1", port, ssl=server, **options):
        scheme = "ws" if clear else "wss"
        async with connect(f"{scheme}://127.0.0.1:{port}/parts", ssl=client, **options) as websocket:
            for message in messages:
                await websocket.send(message)
                assert await websocket.recv() == message


asyncio.run(main())
