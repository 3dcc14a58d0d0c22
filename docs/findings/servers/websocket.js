const http = require('http');
const { server: WebSocketServer } = require('websocket');

const httpServer = http.createServer((request, response) => response.writeHead(404).end());
httpServer.listen(+process.argv[2], '127.0.0.1');
const server = new WebSocketServer({ httpServer, autoAcceptConnections: false });
server.on('request', (request) => {
  const connection = request.accept(null, request.origin);
  connection.on('message', (message) => {
    if (message.type === 'utf8') connection.sendUTF(message.utf8Data);
    else connection.sendBytes(message.binaryData);
  });
});
