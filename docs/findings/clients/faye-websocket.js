// Connects with `faye-websocket` until nobody listens, and sends back what comes.
const { Client } = require("faye-websocket");
const deflate = require("permessage-deflate");

function next() {
  const socket = new Client(process.argv[2], [], { extensions: [deflate] });
  let refused = false;
  socket.on("message", (event) => socket.send(event.data));
  socket.on("error", (event) => (refused = event.message.includes("ECONNREFUSED")));
  socket.on("close", () => refused || setImmediate(next));
}
next();
