// Node's own WebSocket client at an echo: `websocket_client.js PORT`. Prints "ok" when everything came back, then
// "closed CODE" when the server says goodbye.
'use strict';
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/`);
socket.binaryType = 'arraybuffer';
const sent = ['hello', 'ä€😀', '', 'x'.repeat(200), 'y'.repeat(70000), new Uint8Array(500000).fill(7)];
let back = 0;
socket.onopen = () => sent.forEach((message) => socket.send(message));
socket.onmessage = ({ data }) => {
  const expected = sent[back++];
  const same = typeof expected === 'string' ? data === expected : Buffer.from(expected).equals(Buffer.from(data));
  if (!same) console.log(`message ${back} came back changed`);
  if (back === sent.length) console.log('ok');
};
socket.onerror = (event) => console.log(`error ${event.message}`);
socket.onclose = ({ code }) => { console.log(`closed ${code}`); process.exit(0); };
