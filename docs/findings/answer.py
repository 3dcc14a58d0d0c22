"""Answers one WebSocket client with any bytes, and prints what it sends, in hex and without its mask.

python3 answer.py PORT [HEX | wait]... [--set 'NAME: VALUE']... [--accept lower-case]

--set replaces a field of the response or adds one. Each HEX is sent in a segment of its own; `wait` reads for half
a second before the next one.
"""

import argparse, base64, hashlib, socket

from tcp import read

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("port", type=int)
parser.add_argument("hex", nargs="*")
parser.add_argument("--set", action="append", default=[])
parser.add_argument("--accept", choices=["lower-case"])
parser.add_argument("--wait", type=float, default=1)
arguments = parser.parse_intermixed_args()


PAGE = """<script>
const socket = new WebSocket(location.href.replace("http", "ws"));
socket.binaryType = "arraybuffer";
socket.onmessage = (event) => socket.send(event.data);
</script>"""


def frames(received):
    """The frames in hex, unmasked. Those of a client are masked."""
    out = []
    while len(received) >= 2:
        length, start = received[1] & 127, 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(received[2:start], "big")
        key, payload = received[start : start + 4], received[start + 4 : start + 4 + length]
        plain = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
        out.append(f"{received[0]:02x} [{plain[:128].hex(' ')}]")
        received = received[start + 4 + length :]
    return ", ".join(out) or "nothing"


listener = socket.create_server(("127.0.0.1", arguments.port))
request = b""
while b"sec-websocket-key" not in request.lower():
    if request:  # a browser asks for a page
        peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n"
                     f"Connection: close\r\n\r\n{PAGE}".encode())
        peer.close()
    request, (peer, _) = b"", listener.accept()
    while b"\r\n\r\n" not in request and (chunk := peer.recv(1 << 16)):
        request += chunk
listener.close()
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(request.decode("latin-1"))
lines = [line.partition(":") for line in request.decode("latin-1").split("\r\n")[1:]]
key = next(value.strip() for name, _, value in lines if name.lower() == "sec-websocket-key")
accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
if arguments.accept:
    fields["Sec-WebSocket-Accept"] = accept.lower()
for field in arguments.set:
    name, _, value = field.partition(":")
    fields[name] = value.strip()
head = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
peer.sendall("\r\n".join(head).encode())
for part in arguments.hex:
    if part == "wait":
        received, state = read(peer, 0.5)
        print("answer:", frames(received), f"({state})")
    else:
        try:
            peer.sendall(bytes.fromhex(part))
        except OSError as error:
            print("cannot send:", error)
received, state = read(peer, arguments.wait)
print("answer:", frames(received), f"({state})")
