"""The package aiohttp: sends what is asked for, and prints what comes back."""

import asyncio
import sys

import aiohttp


async def main(url, messages):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, max_msg_size=0, compress=15) as socket:
            for message in messages:
                kind, length = message.split(":")
                if kind == "text":
                    await socket.send_str("grüße " * int(length))
                else:
                    await socket.send_bytes(b"\7" * int(length))
                data = await socket.receive()
                if data.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    print(f"closed {data.data} {data.extra or ''}".strip())
                    return
                print("text" if isinstance(data.data, str) else "binary", len(data.data))
            await socket.close(code=1000, message=b"bye")
            print("closed", socket.close_code)


asyncio.run(main(sys.argv[1], sys.argv[2:]))
