// Connects with `websocket` until nobody listens, and sends back what comes.
const { client } = require("websocket");

function next() {
  const connecting = new client();
  connecting.on("connectFailed", (error) => String(error).includes("ECONNREFUSED") || setImmediate(next));
  connecting.on("connect", (connection) => {
    connection.on("error", () => {});
    connection.on("message", (message) => {
      if (message.type === "utf8") connection.sendUTF(message.utf8Data);
      else connection.sendBytes(message.binaryData);
    });
    connection.on("close", () => setImmediate(next));
  });
  connecting.connect(process.argv[2]);
}
next();
