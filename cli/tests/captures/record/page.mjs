// The actions of the pages, and their server.
import http from 'node:http';

export const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// Runs in the page, and ends after its socket is closed.
export const talk = ([url, action]) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let received = 0;
  socket.onopen = () => socket.send('Hello from Chromium');
  socket.onmessage = () => {
    received += 1;
    if (action === 'binary') {
      if (received === 1) socket.send('grüßen, €, 😀');
      else if (received === 2) socket.send(new Uint8Array([0, 1, 254, 255]));
      else socket.close(1000, 'done');
    } else if (received <= 3) {
      socket.send(JSON.stringify(Array(20 * received).fill({ level: 'info', message: 'again' })));
    } else if (received === 4) {
      socket.send(new Uint8Array(500));
    } else {
      socket.close(1000, 'done');
    }
  };
  socket.onclose = () => resolve();
});

// A page may connect to loopback only if it was loaded from there.
export async function servePages() {
  const server = http.createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>A page</title><link rel="icon" href="data:,">');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
