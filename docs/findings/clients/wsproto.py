"""Connects with `trio-websocket`, which stands on wsproto, until nobody listens, and sends back what comes."""

import sys
import trio
from trio_websocket import ConnectionClosed, open_websocket_url


async def main():
    while True:
        try:
            async with open_websocket_url(sys.argv[1]) as socket:
                while True:
                    await socket.send_message(await socket.get_message())
        except (Exception, ExceptionGroup) as error:
            if refused(error):
                return


def refused(error):
    if isinstance(error, ExceptionGroup):
        return any(refused(each) for each in error.exceptions)
    return isinstance(error, OSError) and "all attempts to connect" in str(error) or isinstance(error, ConnectionRefusedError)


trio.run(main)
