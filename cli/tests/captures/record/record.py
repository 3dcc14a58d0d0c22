#!/usr/bin/env python3
"""Records conversations on loopback, each in a small capture: record.py FOLDER [NAME...]"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
import pathlib
import signal
import socket
import struct
import sys

import aiohttp
import websockets
from aiohttp import WSCloseCode, WSMsgType, web

import dissect

HERE = pathlib.Path(__file__).parent
MITMDUMP = pathlib.Path(sys.executable).with_name("mitmdump")
RECORDINGS = {}


def recording(port, name, har=False):
    def add(scene):
        RECORDINGS[name] = port, scene, har
        return scene
    return add


# Processes.

@contextlib.asynccontextmanager
async def running(*command, until="ready", stop=signal.SIGTERM):
    """Runs a program, waits until it prints this, and stops it at the end."""
    program = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        while until not in (line := (await program.stdout.readline()).decode()):
            if not line:
                raise RuntimeError(f"{command} ended")
        yield program
    finally:
        if program.returncode is None:
            program.send_signal(stop)
            await program.wait()


def node_server(port, action):
    return running("node", HERE / "node.mjs", "server", port, action)


def node_client_until_done(port, action):
    return running("node", HERE / "node.mjs", "client", f"ws://127.0.0.1:{port}", action,
                   until="done")


async def node_client(port, action):
    async with node_client_until_done(port, action):
        pass


async def chromium(*arguments, script="chromium.mjs"):
    program = await asyncio.create_subprocess_exec("node", HERE / script, *arguments)
    if await program.wait() != 0:
        raise RuntimeError(script)


# Endpoints of `websockets`.

def pyws_server(port, handler, host="127.0.0.1", **options):
    options = {"compression": None, "ping_interval": None} | options
    return websockets.serve(handler, host, port, **options)


def pyws_client(port, host="127.0.0.1", **options):
    options = {"compression": None, "ping_interval": None} | options
    return websockets.connect(f"ws://{host}:{port}", proxy=None, **options)


async def echo(connection):
    async for message in connection:
        await connection.send(message)


# Endpoints of `aiohttp`.

@contextlib.asynccontextmanager
async def aiohttp_server(port, on_message, **options):
    """Closes all connections with 1001 at its shutdown."""
    open_sockets = set()

    async def handler(request):
        ws = web.WebSocketResponse(**options)
        await ws.prepare(request)
        open_sockets.add(ws)
        while True:
            message = await ws.receive()
            if message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                break
            await on_message(ws, message)
        open_sockets.discard(ws)
        return ws

    async def leave(app):
        for ws in set(open_sockets):
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"server shutdown")

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_shutdown.append(leave)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def aiohttp_echo(ws, message):
    if message.type == WSMsgType.TEXT:
        await ws.send_str(message.data)
    elif message.type == WSMsgType.BINARY:
        await ws.send_bytes(message.data)


@contextlib.asynccontextmanager
async def aiohttp_client(port, **options):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"http://127.0.0.1:{port}/", **options) as ws:
            yield ws


# Endpoints with a correct opening handshake that then send the given bytes.

def frame(opcode, payload, *, masked, first=0x80):
    """Returns a frame with a payload of at most 125 bytes."""
    head = bytes([first | opcode, len(payload) | (0x80 if masked else 0)])
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


async def raw_client(port, *chunks):
    """Sends the chunks, and waits until the server closes or is silent for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write((f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n").encode())
    await reader.readuntil(b"\r\n\r\n")
    for chunk in chunks:
        writer.write(chunk)
        await asyncio.sleep(0.03)
    with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
        async with asyncio.timeout(1):
            while await reader.read(4096):
                pass
    writer.close()


@contextlib.asynccontextmanager
async def raw_server(port, talk):
    async def serve(reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if line)
        key = {name.lower(): value for name, value in headers.items()}["sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(
            key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        writer.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        await talk(reader, writer)

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield


# Clean closes.

@recording(22001, "node-pyws-ping-1000")
async def _(port):
    async with pyws_server(port, echo):
        await node_client(port, "ping-1000")


@recording(22002, "aiohttp-shutdown-1001")
async def _(port):
    async with contextlib.AsyncExitStack() as stack:
        async with aiohttp_server(port, aiohttp_echo):
            client = await stack.enter_async_context(pyws_client(port))
            await client.send("Hello")
            await client.recv()


@recording(22003, "node-close-without-code")
async def _(port):
    async with node_server(port, "echo"):
        await node_client(port, "no-code")


@recording(22008, "node-echoes-binary")
async def _(port):
    async with node_server(port, "echo"):
        await node_client(port, "binary-1000")


@recording(22027, "pyws-ipv6-pings")
async def _(port):
    async def handler(connection):
        await connection.send("welcome")
        for body in ["s1", "s2"]:
            await asyncio.sleep(0.03)
            await (await connection.ping(body))
        await echo(connection)

    async with pyws_server(port, handler, host="::1"):
        async with pyws_client(port, host="[::1]") as client:
            await client.recv()
            for body in ["c1", "c2"]:
                await asyncio.sleep(0.04)
                await (await client.ping(body))
            await client.send("Hello")
            await client.recv()


@recording(22029, "aiohttp-sends-on-after-close")
async def _(port):
    async def on_message(ws, message):
        if message.type == WSMsgType.CLOSE:
            for rest in ["not yet", "nearly", "last words"]:
                await ws.send_str(rest)
                await asyncio.sleep(0.02)
            await ws.close(code=message.data)
        else:
            await aiohttp_echo(ws, message)

    async with aiohttp_server(port, on_message, autoclose=False):
        async with pyws_client(port) as client:
            await client.send("Hello")
            await client.recv()


# Data of the wrong type.

@recording(22004, "chromium-node-text-only-1003")
async def _(port):
    async with node_server(port, "binary-1003"):
        await chromium(f"ws://127.0.0.1:{port}", "binary")


@recording(22005, "pyws-handler-raises-1011")
async def _(port):
    async def handler(connection):
        async for message in connection:
            await connection.send(message.split(" ")[0])

    async with pyws_server(port, handler):
        await node_client(port, "binary")


@recording(22030, "aiohttp-handler-raises")
async def _(port):
    async def on_message(ws, message):
        await ws.send_str(message.data.split(" ")[0])

    async with aiohttp_server(port, on_message):
        await node_client(port, "binary")


@recording(22006, "node-text-only-1008")
async def _(port):
    async with node_server(port, "binary-1008"):
        await node_client(port, "binary")


@recording(22007, "node-text-only-1000")
async def _(port):
    async with node_server(port, "binary-1000"):
        await node_client(port, "binary")


@recording(22025, "aiohttp-mqtt-text-1003")
async def _(port):
    async def on_message(ws, message):
        if message.type == WSMsgType.TEXT:
            await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"mqtt is binary")

    async with aiohttp_server(port, on_message, protocols=("mqtt",)):
        async with pyws_client(port, subprotocols=["mqtt"]) as client:
            await client.send('{"topic": "a/b"}')
            await client.wait_closed()


@recording(22026, "node-mqtt-text-let-pass")
async def _(port):
    async with node_server(port, "mqtt"):
        await node_client(port, "mqtt")


# Invalid frames, and messages that are too big.

BAD_UTF8 = b"caf\xe9 au lait"


@recording(22009, "node-bad-utf8-1007")
async def _(port):
    async with node_server(port, "echo"):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(1, BAD_UTF8, masked=True))


@recording(22010, "pyws-bad-utf8-1007")
async def _(port):
    async with pyws_server(port, echo):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(1, BAD_UTF8, masked=True))


@recording(22031, "aiohttp-bad-utf8-1007")
async def _(port):
    async with aiohttp_server(port, aiohttp_echo):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(1, BAD_UTF8, masked=True))


@recording(22011, "pyws-unmasked-1002")
async def _(port):
    async with pyws_server(port, echo):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(1, b"bare", masked=False))


@recording(22032, "aiohttp-unmasked")
async def _(port):
    async with aiohttp_server(port, aiohttp_echo):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(1, b"bare", masked=False),
                         frame(8, struct.pack(">H", 1000), masked=True))


@recording(22012, "node-rsv2-1002")
async def _(port):
    async with node_server(port, "echo"):
        await raw_client(port, frame(1, b"Hello", masked=True),
                         frame(1, b"rsv2", masked=True, first=0xA0))


@recording(22013, "aiohttp-opcode-3")
async def _(port):
    async with aiohttp_server(port, aiohttp_echo):
        await raw_client(port, frame(1, b"Hello", masked=True), frame(3, b"what?", masked=True))


@recording(22014, "node-max-payload-1009")
async def _(port):
    async with node_server(port, "small"):
        await node_client(port, "large")


# Refused although no rule was broken.

@recording(22015, "node-1002-for-nothing")
async def _(port):
    async with node_server(port, "wrong-1002"):
        await node_client(port, "text")


@recording(22016, "aiohttp-1003-for-nothing")
async def _(port):
    async def on_message(ws, message):
        if message.type == WSMsgType.TEXT:
            await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"cannot read this JSON")

    async with aiohttp_server(port, on_message):
        async with pyws_client(port) as client:
            await client.send("{")
            await client.wait_closed()


# Ends without a Close frame of both endpoints.

@recording(22017, "node-terminates")
async def _(port):
    async with node_server(port, "terminate"):
        async with pyws_client(port) as client:
            await client.send("Hello")
            await client.wait_closed()


@recording(22018, "pyws-server-killed")
async def _(port):
    async with running(sys.executable, __file__, "--serve", port) as server:
        async with pyws_client(port) as client:
            await client.send("Hello")
            await client.recv()
            server.kill()
            await client.wait_closed()


@recording(22019, "raw-server-resets")
async def _(port):
    async def talk(reader, writer):
        writer.write(frame(1, b"Hello", masked=False))
        await asyncio.sleep(0.03)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    async with raw_server(port, talk):
        async with pyws_client(port) as client:
            await client.wait_closed()


@recording(22020, "raw-server-ends-in-frame")
async def _(port):
    async def talk(reader, writer):
        writer.write(frame(1, b"Hello", masked=False))
        writer.write(frame(1, b"x" * 100, masked=False)[:52])
        await asyncio.sleep(0.03)
        writer.close()

    async with raw_server(port, talk):
        async with pyws_client(port) as client:
            await client.wait_closed()


@recording(22021, "aiohttp-1001-unanswered")
async def _(port):
    async def talk(reader, writer):
        writer.write(frame(1, b"Hello", masked=False))
        await reader.read(4096)
        await asyncio.sleep(0.03)
        writer.close()

    async with raw_server(port, talk):
        async with aiohttp_client(port) as ws:
            await ws.receive()
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"leaving")


# Compression.

@recording(22023, "chromium-pyws-deflate")
async def _(port):
    async with pyws_server(port, echo, compression="deflate"):
        await chromium(f"ws://127.0.0.1:{port}", "deflate")


@recording(22024, "aiohttp-deflate")
async def _(port):
    async with aiohttp_server(port, aiohttp_echo):
        async with aiohttp_client(port, compress=15) as ws:
            for text in ["Hello", "abc " * 100, "abc " * 100]:
                await ws.send_str(text)
                await ws.receive()
            await ws.send_bytes(bytes(300))
            await ws.receive()


@recording(22028, "node-five-clients")
async def _(port):
    async with node_server(port, "five"):
        async with node_client_until_done(port, "five"):
            await stop_capture()


@recording(22022, "pyws-left-open")
async def _(port):
    async with pyws_server(port, echo):
        async with pyws_client(port) as client:
            await client.send("Hello")
            await client.recv()
            await stop_capture()


# HAR files, written by a proxy, a browser driver, and the developer tools of a browser.

def mitmdump(port, path):
    """Runs a proxy at the next port."""
    return running(MITMDUMP, "--mode", f"reverse:http://127.0.0.1:{port}@{port + 1}",
                   "--set", f"hardump={path}", until="listening")


@recording(22080, "mitmproxy-1003", har=True)
async def _(port, path):
    async with node_server(port, "binary-1003"), mitmdump(port, path):
        async with pyws_client(port + 1) as client:
            for text in ["Hello", "grüßen, €, 😀"]:
                await client.send(text)
                await client.recv()
            await (await client.ping("p"))
            await client.send(b"\x00\x01\xfe\xff")
            await client.wait_closed()


@recording(22082, "mitmproxy-echo", har=True)
async def _(port, path):
    async with pyws_server(port, echo), mitmdump(port, path):
        await node_client(port + 1, "binary-1000")


@recording(22084, "playwright-1003", har=True)
async def _(port, path):
    async with node_server(port, "binary-1003"):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path)


@recording(22086, "playwright-echo", har=True)
async def _(port, path):
    async with pyws_server(port, echo, compression="deflate"):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path)


@recording(22088, "devtools-1003", har=True)
async def _(port, path):
    async with node_server(port, "binary-1003"):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path, script="devtools.mjs")


@recording(22090, "devtools-echo", har=True)
async def _(port, path):
    async with pyws_server(port, echo, compression="deflate"):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path, script="devtools.mjs")


async def talk_bad_utf8(reader, writer):
    writer.write(frame(9, b"ping", masked=False) + frame(1, b"Hello", masked=False))
    await asyncio.sleep(0.05)
    writer.write(frame(1, BAD_UTF8, masked=False))
    while await reader.read(4096):
        pass
    writer.close()


@recording(22092, "playwright-bad-utf8", har=True)
async def _(port, path):
    async with raw_server(port, talk_bad_utf8):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path)


@recording(22094, "devtools-bad-utf8", har=True)
async def _(port, path):
    async with raw_server(port, talk_bad_utf8):
        await chromium(f"ws://127.0.0.1:{port}", "binary", path, script="devtools.mjs")


@recording(22033, "chromium-bad-utf8-from-server")
async def _(port):
    async with raw_server(port, talk_bad_utf8):
        await chromium(f"ws://127.0.0.1:{port}", "binary")


# The capture.

capture = None


async def stop_capture():
    await asyncio.sleep(0.2)
    if capture.returncode is None:
        capture.send_signal(signal.SIGINT)
        await capture.wait()


async def record(folder, name):
    port, scene, har = RECORDINGS[name]
    if har:
        path = folder / f"{name}.har"
        await scene(port, path)
        print(f"{path.name}: {path.stat().st_size} bytes")
        return
    path = folder / f"{name}.pcap"
    for _ in range(3):
        await record_packets(path, port, scene)
        if dissect.is_whole(path):
            break
    frames = dissect.write(path)
    print(f"{path.name}: {path.stat().st_size} bytes, {frames} frames")


async def record_packets(path, port, scene):
    global capture
    async with running("tcpdump", "-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-w", path,
                       f"tcp port {port}", until="listening", stop=signal.SIGINT) as capture:
        await scene(port)
        await stop_capture()


async def serve(port):
    async with pyws_server(port, echo):
        print("ready", flush=True)
        await asyncio.Future()


async def main(folder, names):
    for name in names or RECORDINGS:
        try:
            await record(folder, name)
        except Exception as error:
            print(f"{name}: {error!r}")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        logging.disable()
        asyncio.run(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]))
