"""A WebSocket client over HTTP/2 in the clear (RFC 8441), with the packages h2 and wsproto.

    python3 client.py PORT SCENARIO

Writes a JSON line for each message and each end that it gets.
"""

import json
import os
import socket
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

port, scenario = int(sys.argv[1]), sys.argv[2]


def log(**line):
    print(json.dumps({"endpoint": "client", **line}), flush=True)


class Client:
    def __init__(self):
        self.tcp = socket.create_connection(("127.0.0.1", port))
        self.tcp.settimeout(5)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.sockets = {}
        self.answered = {}
        self.ended = set()
        self.closed = {}
        self.got = {}
        self.flush()

    def flush(self):
        self.tcp.sendall(self.h2.data_to_send())

    def request(self, fields, end):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    def get(self, path):
        head = [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "x.test")]
        stream = self.request(head, True)
        self.until(lambda: stream in self.ended)

    def open(self, path, protocols=None, deflate=False):
        """Returns the stream, after its answer."""
        fields = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", path),
            (":authority", f"127.0.0.1:{port}"),
            ("sec-websocket-version", "13"),
        ]
        if protocols:
            fields.append(("sec-websocket-protocol", protocols))
        offer = PerMessageDeflate()
        if deflate:
            fields.append(("sec-websocket-extensions", f"permessage-deflate; {offer.offer()}"))
        stream = self.request(fields, False)
        self.until(lambda: stream in self.answered)
        head = self.answered[stream]
        if head[b":status"] == b"200":
            extensions = []
            agreed = head.get(b"sec-websocket-extensions")
            if agreed:
                offer.finalize(agreed.decode())
                extensions.append(offer)
            self.sockets[stream] = Connection(ConnectionType.CLIENT, extensions)
            self.got[stream] = 0
        return stream

    def send(self, stream, event):
        self.h2.send_data(stream, self.sockets[stream].send(event))
        self.flush()

    def echo(self, stream, event):
        count = self.got[stream]
        self.send(stream, event)
        self.until(lambda: self.got[stream] > count or stream in self.closed)

    def close(self, stream, code=1000, reason=""):
        self.send(stream, CloseConnection(code, reason))
        self.until(lambda: stream in self.closed)
        self.end(stream)

    def end(self, stream):
        self.h2.end_stream(stream)
        self.flush()
        self.until(lambda: stream in self.ended)

    def until(self, done):
        while not done():
            data = self.tcp.recv(65536)
            if not data:
                self.ended.update(self.sockets)
                return
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()

    def take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.answered[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            log(stream=event.stream_id, reset=int(event.error_code))
            self.ended.add(event.stream_id)
            self.closed[event.stream_id] = True
        elif isinstance(event, h2.events.ConnectionTerminated):
            log(goaway=int(event.error_code))
            self.ended.update(self.sockets)
            self.closed.update({stream: True for stream in self.sockets})
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            ws = self.sockets.get(event.stream_id)
            # A stream may end with an empty DATA frame after its Close.
            if ws is None or not event.data:
                return
            ws.receive_data(event.data)
            for found in ws.events():
                self.frame(event.stream_id, ws, found)

    def frame(self, stream, ws, event):
        if isinstance(event, (TextMessage, BytesMessage)):
            text = isinstance(event, TextMessage)
            data = event.data.encode() if text else bytes(event.data)
            log(stream=stream, opcode=1 if text else 2, payload=data.hex())
            self.got[stream] += 1
        elif isinstance(event, Ping):
            log(stream=stream, opcode=9, payload=bytes(event.payload).hex())
            self.h2.send_data(stream, ws.send(event.response()))
        elif isinstance(event, Pong):
            log(stream=stream, opcode=10, payload=bytes(event.payload).hex())
            self.got[stream] += 1
        elif isinstance(event, CloseConnection):
            log(stream=stream, close=event.code, reason=event.reason or "")
            self.closed[stream] = True
            if ws.state.name == "REMOTE_CLOSING":
                self.h2.send_data(stream, ws.send(event.response()))


client = Client()
# A client may use an extended CONNECT only after the server's settings.
client.until(lambda: client.h2.remote_settings.enable_connect_protocol or scenario == "no-connect")
if scenario == "text-only":
    stream = client.open("/text-only", "chat")
    client.echo(stream, TextMessage("Hello"))
    client.send(stream, BytesMessage(b"\x01\x02\x03"))
    client.until(lambda: stream in client.closed)
    client.end(stream)
elif scenario == "several":
    client.get("/style.css")
    first = client.open("/echo", deflate=True)
    second = client.open("/echo?second", "mqtt, chat")
    refused = client.open("/forbidden")
    for number in range(3):
        client.echo(first, TextMessage(f"first {number} " * 20))
        client.echo(second, BytesMessage(bytes(range(40 * number))))
    client.echo(second, Ping(b"are you there"))
    client.get("/image.png")
    client.close(second, 1001, "going")
    client.close(first)
elif scenario == "cancel":
    stream = client.open("/cancel")
    client.send(stream, TextMessage("cancel me"))
    client.until(lambda: stream in client.ended)
    other = client.open("/echo")
    client.echo(other, TextMessage("still here"))
    client.h2.reset_stream(other, 0x8)
    client.flush()
elif scenario == "goaway":
    stream = client.open("/goaway")
    client.send(stream, TextMessage("calm down"))
    client.until(lambda: stream in client.ended)
elif scenario == "no-connect":
    client.get("/")
    client.get("/style.css")
client.tcp.close()
