const { WebSocketServer } = require('ws');

// As documented, with permessage-deflate on.
const server = new WebSocketServer({ host: '127.0.0.1', port: +process.argv[2], perMessageDeflate: true });
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
