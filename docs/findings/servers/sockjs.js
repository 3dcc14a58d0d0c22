const http = require('http');
const sockjs = require('sockjs');

const echo = sockjs.createServer({ log: () => {} });
echo.on('connection', (connection) => {
  connection.on('data', (message) => connection.write(message));
});
const server = http.createServer();
echo.installHandlers(server, { prefix: '/echo' });  // its plain WebSocket is /echo/websocket
server.listen(+process.argv[2], '127.0.0.1');
