"""The package websockets: sends what is asked for, and prints what comes back."""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url, messages = sys.argv[1], sys.argv[2:]
with connect(url, max_size=None) as socket:
    try:
        for message in messages:
            kind, length = message.split(":")
            socket.send("grüße " * int(length) if kind == "text" else b"\7" * int(length))
            data = socket.recv()
            print("text" if isinstance(data, str) else "binary", len(data))
        socket.close(1000, "bye")
    except ConnectionClosed:
        pass
print(f"closed {socket.close_code} {socket.close_reason or ''}".strip())
