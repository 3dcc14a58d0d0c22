"""Connects with `websockets` until nobody listens, and sends back what comes."""

import asyncio, logging, sys
from websockets.asyncio.client import connect

logging.disable()


async def main():
    while True:
        try:
            async with connect(sys.argv[1], proxy=None) as socket:
                async for message in socket:
                    await socket.send(message)
        except ConnectionRefusedError:
            return
        except Exception:
            pass


asyncio.run(main())
