// A WebSocket server over HTTP/2 (RFC 8441) with Node's http2 and the package ws.
//
//     node server.mjs PORT [no-connect] [tls KEY CERTIFICATE]
//
// Writes a JSON line for each message and each end that it gets.

import http2 from "node:http2";
import fs from "node:fs";
import { WebSocket } from "ws";

const [port, ...modes] = process.argv.slice(2);
const settings = { enableConnectProtocol: !modes.includes("no-connect") };
const tls = modes.indexOf("tls");
const server =
  tls < 0
    ? http2.createServer({ settings })
    : http2.createSecureServer({
        settings,
        key: fs.readFileSync(modes[tls + 1]),
        cert: fs.readFileSync(modes[tls + 2]),
      });

const log = (line) => fs.writeSync(1, JSON.stringify({ endpoint: "server", ...line }) + "\n");
const hex = (bytes) => Buffer.from(bytes).toString("hex");

server.on("stream", (stream, headers) => {
  const { id } = stream;
  if (headers[":protocol"] !== "websocket") {
    stream.respond({ ":status": 200, "content-type": "text/html" });
    stream.end("<!doctype html><title>ordinary</title><script>" + page + "</script>");
    return;
  }
  const path = headers[":path"];
  if (path === "/forbidden") {
    stream.respond({ ":status": 403 });
    stream.end("no");
    return;
  }
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  const answer = { ":status": 200 };
  if (offered.includes("chat")) answer["sec-websocket-protocol"] = "chat";
  stream.respond(answer);
  // What ws wants of a socket of node:net.
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 30_000 });
  socket.on("message", (data, isBinary) => {
    log({ stream: id, opcode: isBinary ? 2 : 1, payload: hex(data) });
    if (path === "/text-only" && isBinary) socket.close(1003, "text only");
    else if (path === "/cancel") stream.close(http2.constants.NGHTTP2_CANCEL);
    else if (path === "/goaway") stream.session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else socket.send(data, { binary: isBinary });
  });
  socket.on("ping", (data) => log({ stream: id, opcode: 9, payload: hex(data) }));
  socket.on("pong", (data) => log({ stream: id, opcode: 10, payload: hex(data) }));
  socket.on("close", (code, reason) => log({ stream: id, close: code, reason: String(reason) }));
  socket.on("error", (error) => log({ stream: id, error: error.message }));
  stream.on("error", (error) => log({ stream: id, error: error.message }));
  socket.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true,
    maxPayload: 1 << 20,
    skipUTF8Validation: false,
  });
});

// What a browser runs.
const page = `
  const open = (path, protocols) => new Promise((done) => {
    const socket = new WebSocket("wss://" + location.host + path, protocols);
    socket.onopen = () => { socket.send("from the page"); socket.send(new Uint8Array([1, 2, 3])); };
    let left = 2;
    socket.onmessage = () => { if (--left === 0) socket.close(1000, "done"); };
    socket.onclose = (event) => done(event.code);
  });
  Promise.all([open("/echo", ["chat"]), open("/text-only")]).then((codes) => {
    document.title = codes.join(" ");
    return fetch("/done");
  });
`;

server.listen(Number(port), "127.0.0.1");
