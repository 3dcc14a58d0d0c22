"""Connects with Tornado until nobody listens, and sends back what comes."""

import asyncio, logging, sys
from tornado.websocket import websocket_connect

logging.disable()


async def main():
    while True:
        try:
            socket = await websocket_connect(sys.argv[1], compression_options={})
            while (message := await socket.read_message()) is not None:
                await socket.write_message(message, binary=isinstance(message, bytes))
            socket.close()
        except ConnectionRefusedError:
            return
        except Exception:
            pass


asyncio.run(main())
