// Converses as a client: node client.mjs ws|undici URL [resume]
import tls from 'node:tls';
import { WebSocket as Undici } from 'undici';
import { WebSocket as Ws } from 'ws';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const [program, url, mode] = process.argv.slice(2);
const messages = ['hello from Node', 'again '.repeat(100), new Uint8Array([1, 2, 3])];

// Opens a TLS connection only for its session.
const session = () => new Promise((resolve) => {
  const { hostname: host, port } = new URL(url);
  const socket = tls.connect({ host, port, servername: host });
  socket.on('session', (session) => socket.end(() => resolve(session)));
  socket.on('error', () => {});
});

const options = mode === 'resume' ? { session: await session() } : {};
const socket = program === 'undici' ? new Undici(url) : new Ws(url, { perMessageDeflate: false, ...options });
const next = () => {
  const message = messages.shift();
  if (message === undefined) socket.close(1000, 'done');
  else socket.send(message);
};
socket.onopen = next;
socket.onmessage = next;
