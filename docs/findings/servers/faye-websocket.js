const http = require('http');
const WebSocket = require('faye-websocket');
const deflate = require('permessage-deflate');

const server = http.createServer();
server.on('upgrade', (request, socket, body) => {
  if (!WebSocket.isWebSocket(request)) return socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  const ws = new WebSocket(request, socket, body, [], { extensions: [deflate] });
  ws.on('message', (event) => ws.send(event.data));
});
server.listen(+process.argv[2], '127.0.0.1');
