'use strict';
// Any runtime as the parent of examples/echo_worker.cc, with no more of Node than they all have:
// runtime_parent.js SCENARIO PROGRAM. It exits with 0 if all went well. $SERIALIZATION is the channel's.

const assert = require('assert');
const dgram = require('dgram');
const net = require('net');
const { spawn } = require('child_process');
const { once } = require('events');

const [scenario, program] = process.argv.slice(2);
const serialization = process.env.SERIALIZATION || 'json';
const child = spawn(program, [], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], serialization });
let leaving = false;
child.on('exit', (code, signal) => {
  if (leaving) return;
  console.log(`the child ended too early: ${code} ${signal}`);
  process.exit(1);
});

const inbox = [];
let wake = () => {};
child.on('message', (message, handle) => {
  inbox.push([message, handle]);
  wake();
});
async function next() {
  while (inbox.length === 0) await new Promise((resolve) => { wake = resolve; });
  return inbox.shift();
}
async function expect(message) {
  const [got] = await next();
  assert.deepStrictEqual(got, message);
}
// Up to the end of the peer's direction.
async function readAll(socket) {
  let text = '';
  socket.setEncoding('utf8').on('data', (piece) => { text += piece; });
  await once(socket, 'end');
  return text;
}
const connect = (port) => net.connect({ port, host: '127.0.0.1' });

const scenarios = {
  async messages() {
    const first = { id: 1, path: 'ä.png', list: [3, null, [1.5, true]] };
    for (const message of [first, 'two', 3]) {
      child.send(message);
      await expect({ echo: message });
    }
  },
  // What JSON has no words for.
  async values() {
    const values = [[10n ** 30n], new Date(0), new Map([['a', new Set([1])]]), new Uint8Array([1, 2, 3]), /x/gi, [undefined]];
    for (const message of values) {
      child.send(message);
      await expect({ echo: message });
    }
  },

  async sends_a_server() {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    child.send('serve', server);
    await expect({ got: 'net.Server', with: 'serve' });
    server.close();
    assert.strictEqual(await readAll(connect(port)), `served by ${child.pid}\n`);
  },
  async gets_a_server() {
    child.send({ give: 'net.Server' });
    const [{ port }, server] = await next();
    assert(server instanceof net.Server);
    assert.strictEqual(server.address().port, port);
    // Either of the two accepts.
    server.on('connection', (socket) => socket.end(`served by ${process.pid}\n`));
    for (let i = 0; i < 10; ++i) {
      const answer = await readAll(connect(port));
      assert([`served by ${process.pid}\n`, `served by ${child.pid}\n`].includes(answer), answer);
    }
    server.close();
  },
  async sends_a_connection() {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => child.send('take', socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(server.address().port);
    await expect({ got: 'net.Socket', with: 'take' });
    assert.strictEqual(await readAll(client), `handled by ${child.pid}\n`);
    server.close();
  },
  async gets_a_connection() {
    child.send({ give: 'net.Socket' });
    const [{ port }, socket] = await next();
    assert(socket instanceof net.Socket);
    assert.strictEqual(socket.localPort, port);
    assert.strictEqual(await readAll(socket), `handled by ${child.pid}\n`);
  },
  async sends_a_udp_socket() {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    child.send('echo', socket);
    await expect({ got: 'dgram.Socket', with: 'echo' });
    socket.close();
    const client = dgram.createSocket('udp4');
    client.send('hello', port, '127.0.0.1');
    const [answer] = await once(client, 'message');
    assert.strictEqual(answer.toString(), 'hello');
    client.close();
  },
  async gets_a_udp_socket() {
    child.send({ give: 'dgram.Socket' });
    const [{ port }, socket] = await next();
    assert(socket instanceof dgram.Socket);
    assert.strictEqual(socket.address().port, port);
    // Through it something is sent, as what comes in is either's.
    const client = dgram.createSocket('udp4');
    client.bind(0, '127.0.0.1');
    await once(client, 'listening');
    socket.send('hello', client.address().port, '127.0.0.1');
    const [text, from] = await once(client, 'message');
    assert.strictEqual(text.toString(), 'hello');
    assert.strictEqual(from.port, port);
    client.close();
    socket.close();
  },
};

(async () => {
  await expect({ ready: child.pid });
  await scenarios[scenario]();
  leaving = true;
  const exited = once(child, 'exit');
  child.send('bye');
  assert.strictEqual((await exited)[0], 0);
  process.exit(0);
})();
