// The WebSocket that Node.js has: sends what is asked for, and prints what comes back.
const [url, ...messages] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.binaryType = "arraybuffer";
const data = (message) => {
  const [kind, length] = message.split(":");
  return kind === "text" ? "grüße ".repeat(length) : new Uint8Array(Number(length)).fill(7);
};
const next = () => (messages.length ? socket.send(data(messages.shift())) : socket.close(1000, "bye"));
socket.onopen = next;
socket.onmessage = ({ data }) => {
  console.log(typeof data === "string" ? `text ${data.length}` : `binary ${data.byteLength}`);
  next();
};
socket.onclose = ({ code, reason }) => console.log(`closed ${code} ${reason}`.trim());
