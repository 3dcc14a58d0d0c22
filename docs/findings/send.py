"""Sends bytes to a WebSocket server and prints what it answers, in hex.

python3 send.py PORT [HEX | wait]... [--path PATH] [--request TEXT] [--header 'NAME: VALUE']

Each argument is sent in a segment of its own; `wait` reads for half a second before the next one. --request
sends this text instead of the opening handshake (\\r and \\n as escapes). Masked with 00000000, a frame is as it reads.
"""

import argparse, socket

from tcp import read

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("port", type=int)
parser.add_argument("hex", nargs="*")
parser.add_argument("--path", default="/")
parser.add_argument("--request")
parser.add_argument("--header", action="append", default=[])
parser.add_argument("--wait", type=float, default=1)
arguments = parser.parse_intermixed_args()


fields = [
    f"GET {arguments.path} HTTP/1.1", f"Host: 127.0.0.1:{arguments.port}", "Upgrade: websocket",
    "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
    *arguments.header, "", "",
]
request = "\r\n".join(fields).encode()
if arguments.request:
    request = arguments.request.encode().decode("unicode_escape").encode("latin-1")
with socket.create_connection(("127.0.0.1", arguments.port)) as peer:
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(request)
    received, state = read(peer, arguments.wait)
    head, _, rest = received.partition(b"\r\n\r\n")
    print(head.decode("latin-1"))
    if rest:
        print("then:", rest[:256].hex(" "))
    for part in arguments.hex:
        if part == "wait":
            received, state = read(peer, 0.5)
            print("answer:", received[:256].hex(" ") or "nothing", f"({state})")
        else:
            try:
                peer.sendall(bytes.fromhex(part))
            except OSError as error:
                print("cannot send:", error)
    received, state = read(peer, arguments.wait)
    print("answer:", received[:256].hex(" ") or "nothing", f"({state})")
