// Connects with `ws` until nobody listens, and sends back what comes.
const WebSocket = require("ws");

function next() {
  const socket = new WebSocket(process.argv[2]);
  let refused = false;
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", (error) => (refused = error.code === "ECONNREFUSED"));
  socket.on("close", () => refused || setImmediate(next));
}
next();
