"""Records wss between programs as people use them, into ../../wss: a capture, its key log, and the frames that
tshark finds.

    apt-get install --no-install-recommends chromium firefox-esr gnutls-bin golang-go \
        golang-github-gorilla-websocket-dev libnss3-tools openssl tcpdump tshark
    cp -r cli/tests/data/record/wss /tmp/wss && cd /tmp/wss
    npm install ws@8.23.0 undici@6 playwright-core
    python3 -m venv venv && venv/bin/pip install websockets==17.4 aiohttp==3.14.5 curl_cffi hypercorn==0.17.3
    venv/bin/python record.py OUT [NAME...]

Needs root, for tcpdump, and runs outside the repository, because of `node_modules`. The files in the repository
were recorded with Chromium 156, Firefox 153 ESR, Node.js 20.20.2, Python 3.11.7 with OpenSSL 3.0.19, Go 1.19.8,
GnuTLS 3.7.9, curl_cffi 0.17.0 (BoringSSL) and tshark 4.0.17. It prints whether all of the frames are there.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import tempfile

import aiohttp
import websockets

HERE = pathlib.Path(__file__).parent
TLS12 = ssl.TLSVersion.TLSv1_2
SCENES = {}


def scene(name):
    def add(play):
        SCENES[name] = play
        return play
    return add


class Recording:
    """One recording: its port, and its files."""

    def __init__(self, out, name, port, certificates):
        self.port, self.certificates = port, certificates
        self.pcap, self.keys, self.frames = (out / f"{name}.{end}" for end in ("pcap", "keys", "frames"))

    def url(self, path):
        return f"wss://localhost:{self.port}{path}"

    def server(self, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / "server.pem", self.certificates / "server.key")
        if version:
            context.maximum_version = version
        return context

    def client(self, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.keylog_filename = str(self.keys)
        if version:
            context.maximum_version = version
        return context


def certify(folder):
    """Makes an authority, and the certificate of the server."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-subj", "/CN=test", "-addext", "basicConstraints=critical,CA:TRUE",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "names", "-out", "server.pem")


# Servers.

async def serve(socket):
    async for message in socket:
        if socket.request.path == "/text-only" and isinstance(message, bytes):
            return await socket.close(1003, "text only")
        await socket.send(message)


async def page(connection, request):
    """What a browser opens first."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return None
    response = connection.respond(200, (HERE / "page.html").read_text())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "text/html"
    return response


def python_server(recording, version=None, compression=None):
    return websockets.serve(serve, "localhost", recording.port, ssl=recording.server(version),
                            compression=compression, ping_interval=None, process_request=page)


# Programs.

async def run(*command, env=None, seconds=60):
    program = await asyncio.create_subprocess_exec(
        *map(str, command), env=os.environ | (env or {}), stdout=subprocess.DEVNULL)
    try:
        await asyncio.wait_for(program.wait(), seconds)
    except asyncio.TimeoutError:
        program.terminate()
        await program.wait()


@contextlib.asynccontextmanager
async def running(*command, env=None, seconds=1):
    program = await asyncio.create_subprocess_exec(
        *map(str, command), env=os.environ | (env or {}), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await asyncio.sleep(seconds)
    try:
        yield program
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


def node(recording, program, path, mode="", options=()):
    return run("node", f"--tls-keylog={recording.keys}", *options, HERE / "client.mjs", program,
               recording.url(path), mode)


def chromium(recording, path):
    keys = {"SSLKEYLOGFILE": str(recording.keys)}
    return run("node", HERE / "chromium.mjs", f"https://127.0.0.1:{recording.port}/", path, env=keys)


async def firefox(recording, path):
    with tempfile.TemporaryDirectory() as profile:
        store = ["certutil", "-d", f"sql:{profile}"]
        subprocess.run([*store, "-N", "--empty-password"], check=True)
        subprocess.run([*store, "-A", "-n", "ca", "-t", "C,,", "-i", recording.certificates / "ca.pem"],
                       check=True)
        keys = {"SSLKEYLOGFILE": str(recording.keys)}
        await run("firefox-esr", "--headless", "--no-remote", "--profile", profile,
                  f"https://localhost:{recording.port}/?{path}", env=keys, seconds=15)


# Handwritten frames.

REQUEST = (
    b"GET /text-only HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(opcode, payload):
    key = b"\x37\xfa\x21\x3d"
    masked = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + key + masked


async def write(program, *pieces):
    for piece in pieces:
        program.stdin.write(piece)
        await program.stdin.drain()
        await asyncio.sleep(0.3)


# The recordings.

@scene("chromium-1003")
async def _(recording):
    async with python_server(recording):
        await chromium(recording, "/text-only")


@scene("chromium-deflate-tls12")
async def _(recording):
    async with python_server(recording, TLS12, "deflate"):
        await chromium(recording, "/echo")


@scene("firefox-1003")
async def _(recording):
    async with python_server(recording):
        await firefox(recording, "/text-only")


@scene("hypercorn-firefox")
async def _(recording):
    async with running(HERE / "venv/bin/hypercorn", "--bind", f"localhost:{recording.port}", "--certfile",
                       recording.certificates / "server.pem", "--keyfile",
                       recording.certificates / "server.key", "app:app", seconds=2):
        await firefox(recording, "/text-only")


@scene("node-resumed")
async def _(recording):
    async with python_server(recording):
        await node(recording, "ws", "/text-only", "resume")


@scene("undici-deflate")
async def _(recording):
    async with python_server(recording, compression="deflate"):
        await node(recording, "undici", "/echo")


@scene("python-bad-utf8")
async def _(recording):
    async with python_server(recording):
        async with websockets.connect(recording.url("/echo"), ssl=recording.client(), compression=None,
                                      ping_interval=None, proxy=None) as socket:
            await socket.send("größer")
            await socket.recv()
            await socket.send(b"caf\xe9", text=True)
            with contextlib.suppress(websockets.ConnectionClosed):
                await socket.recv()


@scene("aiohttp-deflate")
async def _(recording):
    async with python_server(recording, compression="deflate"), aiohttp.ClientSession() as session:
        async with session.ws_connect(recording.url("/echo"), ssl=recording.client(), compress=15) as socket:
            await socket.send_str("again " * 100)
            await socket.receive()
            await socket.ping(b"there?")
            await socket.send_bytes(b"\x01\x02\x03")
            await socket.receive()
            await socket.close(code=1000, message=b"done")


@scene("go-cbc")
async def _(recording):
    subprocess.run(["go", "build", "-o", HERE / "client", HERE / "client.go"], check=True,
                   env=os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"})
    async with python_server(recording):
        await run(HERE / "client", recording.url("/text-only"), recording.keys)


@scene("curl-1003")
async def _(recording):
    keys = {"SSLKEYLOGFILE": str(recording.keys)}
    async with python_server(recording):
        await run(sys.executable, HERE / "curl.py", recording.url("/text-only"), env=keys)


@scene("gnutls-resumed")
async def _(recording):
    """GnuTLS does not write the keys of a session of TLS 1.2 again."""
    keys = {"SSLKEYLOGFILE": str(recording.keys)}
    priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
    async with python_server(recording):
        async with running("gnutls-cli", "--insecure", "--resume", "--priority", priority, "-p",
                           recording.port, "localhost", env=keys) as client:
            await write(client, REQUEST, frame(1, b"hello"), frame(2, b"\x01\x02\x03"), frame(8, b"\x03\xeb"))


@scene("openssl-renegotiated")
async def _(recording):
    answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    async with running("openssl", "s_server", "-tls1_2", "-client_renegotiation", "-accept", recording.port,
                       "-cert", recording.certificates / "server.pem", "-key",
                       recording.certificates / "server.key") as server:
        async with running("openssl", "s_client", "-tls1_2", "-connect", f"localhost:{recording.port}",
                           "-servername", "localhost", "-keylogfile", recording.keys) as client:
            await write(client, REQUEST)
            await write(server, answer)
            await write(client, frame(1, b"before"), b"R\n", frame(1, b"after"))
            await write(server, b"\x81\x05after", b"\x88\x0b\x03\xebtext only")
            await write(client, frame(8, b"\x03\xeb"), b"Q\n")


# What tshark finds.

def leaves(pairs):
    for name, value in pairs:
        yield name, value
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            yield from leaves(value)


def dissect(recording):
    """Returns a line for each frame: the sender, the first byte, the length and the unmasked payload."""
    packets = subprocess.run(
        ["tshark", "-r", recording.pcap, "-o", f"tls.keylog_file:{recording.keys}", "-d",
         f"tcp.port=={recording.port},tls", "-Y", "websocket", "-T", "json", "-x"],
        check=True, capture_output=True).stdout
    for packet in json.loads(packets or "[]", object_pairs_hook=list):
        layers = dict(dict(packet)["_source"])["layers"]
        tcp = dict(dict(layers)["tcp"])
        sender = "server" if int(tcp["tcp.srcport"]) == recording.port else "client"
        heads = [value for name, value in layers if name == "websocket_raw"]
        heads = [head for value in heads for head in (value if isinstance(value[0], list) else [value])]
        fields = [dict(leaves(value)) for name, value in layers if name == "websocket"]
        for head, found in zip(heads, fields):
            head = bytes.fromhex(head[0])
            short = head[1] & 127
            length = short if short < 126 else int.from_bytes(head[2:4 if short == 126 else 10], "big")
            payload = found["websocket.payload_raw"][0] if length else ""
            yield f"{sender} {head[0]:02x} {length} {payload}"


async def record(recording, play):
    recording.keys.unlink(missing_ok=True)
    dump = await asyncio.create_subprocess_exec(
        "tcpdump", "-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-w", recording.pcap,
        f"tcp port {recording.port}", stderr=subprocess.DEVNULL)
    await asyncio.sleep(0.7)
    await play(recording)
    await asyncio.sleep(0.5)
    dump.send_signal(signal.SIGINT)
    await dump.wait()
    frames = list(dissect(recording))
    recording.frames.write_text("".join(f"{frame}\n" for frame in frames))
    print(f"{recording.pcap.name:<32} {recording.pcap.stat().st_size:>6} B, {len(frames)} frames")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        certificates = pathlib.Path(folder)
        certify(certificates)
        for number, (name, play) in enumerate(SCENES.items()):
            if not sys.argv[2:] or name in sys.argv[2:]:
                asyncio.run(record(Recording(out, name, 24_000 + number, certificates), play))


main()
