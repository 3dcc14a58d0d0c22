// Endpoints of npm `ws`: node node.mjs server PORT ACTION | node node.mjs client URL ACTION
import { WebSocket, WebSocketServer } from 'ws';

const [role, where, action] = process.argv.slice(2);
const later = (ms, then) => setTimeout(then, ms);

const echo = (socket, data, binary) => socket.send(data, { binary });
const closeOnBinary = (code, reason) => (socket, data, binary) =>
  binary ? socket.close(code, reason) : echo(socket, data, binary);

// The actions of a server after a message, and its options.
const servers = {
  echo: [echo],
  deflate: [echo, { perMessageDeflate: { threshold: 0 } }],
  small: [echo, { maxPayload: 1000 }],
  mqtt: [echo, { handleProtocols: (offered) => offered.has('mqtt') && 'mqtt' }],
  'binary-1003': [closeOnBinary(1003, 'text only')],
  'binary-1008': [closeOnBinary(1008, 'no binary here')],
  'binary-1000': [closeOnBinary(1000)],
  'wrong-1002': [(socket) => socket.close(1002, 'protocol error')],
  terminate: [(socket, data) => {
    socket.send(`got ${data}`);
    later(20, () => socket.terminate());
  }],
  five: [(socket, data, binary) => {
    if (binary) socket.close(1003, 'text only');
    else if (`${data}` === 'terminate me') socket.terminate();
    else if (`${data}` === 'leave me') socket.close(1001, 'leaving');
    else echo(socket, data, binary);
  }],
};

// The actions of a client. By default, it sends, and closes after the echo.
const clients = {
  'ping-1000': (socket) => {
    socket.send('Hello');
    socket.once('message', () => socket.ping('are you there?'));
    socket.once('pong', () => {
      socket.send('grüßen, €, 😀');
      socket.once('message', () => socket.close(1000, 'bye'));
    });
  },
  'no-code': (socket) => {
    socket.send('Hello');
    socket.once('message', () => socket.close());
  },
  text: (socket) => socket.send('Hello'),
  binary: (socket) => {
    socket.send('Hello');
    socket.once('message', () => socket.send(Buffer.from([0, 1, 254, 255])));
  },
  'binary-1000': (socket) => {
    socket.send('Hello');
    socket.once('message', () => {
      socket.send(Buffer.from([0, 1, 254, 255]));
      socket.once('message', () => socket.close(1000));
    });
  },
  large: (socket) => {
    socket.send('x'.repeat(1000));
    socket.once('message', () => socket.send('y'.repeat(2000)));
  },
  mqtt: (socket) => {
    socket.send('{"topic": "a/b"}');
    socket.once('message', () => socket.close(1000));
  },
};

if (role === 'server') {
  const [onMessage, options] = servers[action];
  const server = new WebSocketServer({ host: '127.0.0.1', port: Number(where), ...options });
  server.on('listening', () => console.log('ready'));
  server.on('connection', (socket) => {
    socket.on('error', (error) => console.error(error.message));
    socket.on('message', (data, binary) => onMessage(socket, data, binary));
  });
} else if (action === 'five') {
  const endings = [
    ['bye', (socket) => socket.close(1000, 'bye')],
    ['binary next', (socket) => socket.send(Buffer.from([1, 2, 3]))],
    ['one more', (socket) => socket.send('terminate me')],
    ['last one', (socket) => socket.send('leave me')],
    ['staying', () => {}],
  ];
  const sockets = endings.map(([text, end]) => {
    const socket = new WebSocket(where, { perMessageDeflate: false });
    socket.on('open', () => socket.send(text));
    socket.once('message', () => later(30, () => end(socket)));
    return socket;
  });
  later(400, () => console.log('done'));
  later(2000, () => sockets.forEach((socket) => socket.terminate()));
} else {
  const socket = new WebSocket(where, action === 'mqtt' ? ['mqtt'] : [], { perMessageDeflate: false });
  socket.on('error', (error) => console.error(error.message));
  socket.on('open', () => clients[action](socket));
  socket.on('close', () => console.log('done'));
}
