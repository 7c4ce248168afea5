'use strict';
// A Node that is the parent: node node_parent.js SCENARIO MODULE [TEXT...]. It exits with 0 if the child did what
// Node's own children do. A line that Node does not expect ends it by itself. $SERIALIZATION is the channel's, $START says
// how the child is started if not as anybody would.

const assert = require('assert');
const dgram = require('dgram');
const fs = require('fs');
const net = require('net');
const { execFileSync, fork, spawn } = require('child_process');
const { once } = require('events');
const assertSame = require('./advanced_same.js');

const [scenario, module_, ...texts] = process.argv.slice(2);
const serialization = process.env.SERIALIZATION || 'json';
const isScript = /\.js$/.test(module_);
const [file, ...args] = isScript ? [process.execPath, module_] : [module_];
const streams = ['inherit', 'inherit', 'inherit'];
const starts = {
  script: () => fork(module_, [], { serialization }),
  program: () => spawn(file, args, { stdio: [...streams, 'ipc'], serialization }),
  fifth: () => spawn(file, args, { stdio: [...streams, 'ignore', 'pipe', 'ipc'], serialization }),
  // To a program that is no Node the script's name is an argument as any other.
  fork: () => fork('script', [], { execPath: module_, serialization }),
};
const child = starts[process.env.START || (isScript ? 'script' : 'program')]();

let leaving = false;
child.on('exit', (code, signal) => assert(leaving, `the child ended too early: ${code ?? signal}`));
const leave = (how) => {
  leaving = true;
  how();
};

const internal = [];
child.prependListener('internalMessage', ({ cmd }) => {
  internal.push(cmd);
  assert(['NODE_HANDLE', 'NODE_HANDLE_ACK', 'NODE_HANDLE_NACK', 'NODE_SOCKET_COUNT', 'NODE_SOCKET_ALL_CLOSED',
    'NODE_SOCKET_GET_COUNT', 'NODE_SOCKET_NOTIFY_CLOSE'].includes(cmd), cmd);
});
const acknowledged = () => internal.filter((cmd) => cmd === 'NODE_HANDLE_ACK').length;

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
  assertSame(got, message);
}

async function listen(options) {
  const server = net.createServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
const connect = (where) => net.connect({
  ...(typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1' }),
  allowHalfOpen: true,
});
// Up to the end of the peer's direction; the socket stays open.
async function readAll(socket) {
  let text = '';
  socket.setEncoding('utf8').on('data', (piece) => { text += piece; });
  await once(socket, 'end');
  return text;
}
// Connects that many clients, and sends each connection to the child.
async function handOver(server, count, where = server.address().port) {
  server.on('connection', (socket) => child.send('take', socket));
  const clients = Array.from({ length: count }, () => connect(where));
  for (let i = 0; i < count; ++i) await expect({ got: 'net.Socket', with: 'take' });
  return clients;
}
const loopback = (type) => (type === 'udp6' ? '::1' : '127.0.0.1');
async function bindUdp(type = 'udp4') {
  const socket = dgram.createSocket(type);
  socket.bind(0, loopback(type));
  await once(socket, 'listening');
  return socket;
}
// Node has no public name for the handle of a socket.
const rawHandle = (socket) => socket[
  Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')].handle;
async function askUdp(port, text, type = 'udp4') {
  const socket = await bindUdp(type);
  socket.send(text, port, loopback(type));
  const [answer] = await once(socket, 'message');
  socket.close();
  return answer.toString();
}
// While the child stands still, so that it is this process that receives.
async function receiveAlone(socket, type = 'udp4') {
  socket.on('message', (bytes, from) => socket.send(`the parent got ${bytes}`, from.port, from.address));
  child.kill('SIGSTOP');
  assert.strictEqual(await askUdp(socket.address().port, 'hello', type), 'the parent got hello');
  child.kill('SIGCONT');
  socket.close();
}
const getConnections = (server) => new Promise((resolve, reject) => {
  server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
});
// The descriptors that the child may open from now on have lower numbers than this.
const limitDescriptors = (count) => execFileSync('prlimit', ['--pid', child.pid, `--nofile=${count}:`]);

// What giver.cc and giver.js give: a connection that is answered, and open until the client ends it.
async function take(count) {
  const taken = [];
  while (taken.length < count) {
    const [message, socket] = await next();
    assert.strictEqual(message, 'yours');
    assert(socket instanceof net.Socket);
    socket.on('error', () => {});
    socket.resume();
    socket.end(`handled by ${process.pid}\n`);
    taken.push(socket);
  }
  return taken;
}
async function tell(order) {
  child.send(order);
  return (await next())[0];
}
async function listenThere(order = {}) {
  return (await tell({ do: 'listen', ...order })).listening;
}

async function goodbye(word = 'bye') {
  leave(() => child.send(word));
  const [code, signal] = await once(child, 'exit');
  assert.deepStrictEqual([code, signal], [0, null]);
  assert.deepStrictEqual(inbox, []);
}

const scenarios = {
  async json() {
    for (const text of texts) {
      child.send(JSON.parse(text));
      const [got] = await next();
      assert.strictEqual(JSON.stringify(got), `{"echo":${JSON.stringify(JSON.parse(text))}}`);
    }
    const big = 'x'.repeat(8 << 20);
    child.send(big);
    await expect({ echo: big });
    const wide = Array.from({ length: 100000 }, (_, i) => i / 3);
    child.send(wide);
    await expect({ echo: wide });
    let deep = [];
    for (let i = 1; i < 500; ++i) deep = [deep];
    child.send(deep);
    const [{ echo }] = await next();
    assert.strictEqual(JSON.stringify(echo), JSON.stringify(deep));
    await goodbye();
  },

  async values() {
    const values = require('./advanced_values.js');
    for (const value of Object.values(values)) {
      child.send(value);
      await expect({ echo: value });
    }
    const server = await listen();
    for (const value of Object.values(values)) {
      child.send(value, server);
      await expect({ got: 'net.Server', with: value });
    }
    // What stands in two places is one object there and here.
    child.send(values.shared);
    const [{ echo }] = await next();
    assert.strictEqual(echo.second, echo.first);
    assert.strictEqual(echo.list[0], echo.first);
    server.close();
    await goodbye();
  },

  async order() {
    const server = await listen();
    for (let i = 0; i < 60; ++i) child.send(i, ...(i % 3 === 0 ? [server] : []));
    for (let i = 0; i < 60; ++i) await expect(i % 3 === 0 ? { got: 'net.Server', with: i } : { echo: i });
    server.close();
    await goodbye();
    assert.strictEqual(acknowledged(), 20);
  },

  async servers() {
    const server = await listen();
    child.send('serve', server);
    await expect({ got: 'net.Server', with: 'serve' });
    const { port } = server.address();
    server.close();
    assert.strictEqual(await readAll(connect(port)), `served by ${child.pid}\n`);

    child.send({ give: 'net.Server' });
    const [given, mine] = await next();
    assert(mine instanceof net.Server);
    assert.strictEqual(mine.address().port, given.port);
    mine.on('connection', (socket) => socket.end('served by the parent\n'));
    // The child stands still, so it is this process that accepts.
    child.kill('SIGSTOP');
    assert.strictEqual(await readAll(connect(given.port)), 'served by the parent\n');
    child.kill('SIGCONT');
    mine.close();
    await goodbye();
  },

  async native() {
    const server = await listen();
    child.send('raw', server._handle);
    await expect({ got: 'net.Native', with: 'raw' });
    const { port } = server.address();
    server.close();
    const answer = await readAll(connect(port));
    assert.strictEqual(answer, `served by ${child.pid}\n`);
    await goodbye();
  },

  async gets_native() {
    child.send({ give: 'net.Native' });
    const [{ given, port }, handle] = await next();
    assert.strictEqual(given, 'net.Native');
    const server = net.createServer((socket) => socket.end('served by the parent\n'));
    server.listen(handle);
    await once(server, 'listening');
    assert.strictEqual(server.address().port, port);
    assert.strictEqual(await readAll(connect(port)), 'served by the parent\n');
    server.close();
    await goodbye();
  },

  async udp() {
    const socket = await bindUdp();
    child.send('udp', socket);
    await expect({ got: 'dgram.Socket', with: 'udp' });
    const { port } = socket.address();
    socket.close();
    assert.strictEqual(await askUdp(port, 'hello'), 'hello');

    child.send({ give: 'dgram.Socket' });
    const [given, mine] = await next();
    assert(mine instanceof dgram.Socket);
    assert.strictEqual(mine.address().port, given.port);
    await receiveAlone(mine);
    await goodbye();
  },

  async udp6() {
    const socket = await bindUdp('udp6');
    child.send('udp6', socket);
    await expect({ got: 'dgram.Socket', with: 'udp6' });
    const { port } = socket.address();
    socket.close();
    assert.strictEqual(await askUdp(port, 'hello', 'udp6'), 'hello');
    await goodbye();
  },

  async path() {
    const [path] = texts;
    const server = net.createServer({ pauseOnConnect: true });
    server.listen(path);
    await once(server, 'listening');
    child.send('serve', server);
    await expect({ got: 'net.Server', with: 'serve' });
    // Node's server takes its name with it.
    fs.linkSync(path, `${path}1`);
    server.close();
    assert.strictEqual(await readAll(connect(`${path}1`)), `served by ${child.pid}\n`);

    const other = net.createServer({ pauseOnConnect: true });
    other.listen(`${path}2`);
    await once(other, 'listening');
    const [client] = await handOver(other, 1, `${path}2`);
    assert.strictEqual(await readAll(client), `handled by ${child.pid}\n`);
    client.end();
    await new Promise((resolve) => other.close(resolve));
    await goodbye();
  },

  async udp_native() {
    const socket = await bindUdp();
    child.send('raw', rawHandle(socket));
    await expect({ got: 'dgram.Native', with: 'raw' });
    const { port } = socket.address();
    socket.close();
    assert.strictEqual(await askUdp(port, 'hello'), 'hello');

    child.send({ give: 'dgram.Native' });
    const [given, handle] = await next();
    const mine = dgram.createSocket('udp4');
    mine.bind(handle);
    assert.strictEqual(mine.address().port, given.port);
    await receiveAlone(mine);
    await goodbye();
  },

  async bound() {
    const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
    const { port } = bound.address();
    child.send('bound', bound);
    await expect({ got: 'net.BoundSocket', with: 'bound' });
    assert.strictEqual(await readAll(connect(port)), `served by ${child.pid}\n`);

    child.send({ give: 'net.BoundSocket' });
    const [given, mine] = await next();
    assert(mine instanceof net.BoundSocket);
    assert.strictEqual(mine.address().port, given.port);
    const server = net.createServer((socket) => socket.end('served by the parent\n'));
    server.listen(mine);
    await once(server, 'listening');
    assert.strictEqual(await readAll(connect(given.port)), 'served by the parent\n');
    server.close();
    await goodbye();
  },

  async keep_open() {
    const server = await listen({ pauseOnConnect: true });
    const client = connect(server.address().port);
    const [socket] = await once(server, 'connection');
    child.send('yours too', socket, { keepOpen: true });
    await expect({ got: 'net.Socket', with: 'yours too' });
    assert.strictEqual(await readAll(client), `handled by ${child.pid}\n`);
    assert.strictEqual(socket.destroyed, false);
    client.end();
    socket.destroy();
    server.close();
    await goodbye();
  },

  async sockets() {
    child.send({ give: 'net.Socket' });
    const [given, near] = await next();
    assert(near instanceof net.Socket);
    assert.strictEqual(near.localPort, given.port);
    assert.strictEqual(await readAll(near), `handled by ${child.pid}\n`);

    const server = await listen({ pauseOnConnect: true });
    const clients = await handOver(server, 3);
    for (const client of clients) assert.strictEqual(await readAll(client), `handled by ${child.pid}\n`);
    // The child reads on to the end of each: they are open, and there.
    assert.strictEqual(await getConnections(server), 3);
    clients.pop().end();
    while (await getConnections(server) !== 2);
    let closed = false;
    const whenClosed = new Promise((resolve) => server.close(() => resolve(closed = true)));
    child.send('still there?');
    await expect({ echo: 'still there?' });
    assert.strictEqual(closed, false);
    for (const client of clients) client.end();
    await whenClosed;
    await goodbye();
  },

  async many_sockets() {
    const server = await listen({ pauseOnConnect: true });
    const answers = (await handOver(server, 200)).map((client) => readAll(client).finally(() => client.end()));
    for (const answer of await Promise.all(answers)) assert.strictEqual(answer, `handled by ${child.pid}\n`);
    await new Promise((resolve) => server.close(resolve));
    await goodbye();
    assert.strictEqual(acknowledged(), 200);
  },

  async given_counted() {
    const port = await listenThere();
    const clients = Array.from({ length: 3 }, () => connect(port));
    const taken = await take(3);
    assert.deepStrictEqual(await tell({ do: 'count' }), { open: 3 });
    for (const client of clients) assert.strictEqual(await readAll(client), `handled by ${process.pid}\n`);
    taken.pop().destroy();
    while ((await tell({ do: 'count' })).open !== 2);
    child.send({ do: 'close' });
    assert.deepStrictEqual(await tell({ do: 'ping' }), { pong: true });
    for (const client of clients) client.end();
    await expect({ closed: true });
    await goodbye({ do: 'bye' });
  },

  async given_many() {
    const port = await listenThere();
    const clients = Array.from({ length: 200 }, () => connect(port));
    await take(200);
    assert.deepStrictEqual(await tell({ do: 'count' }), { open: 200 });
    const answers = clients.map((client) => readAll(client).finally(() => client.end()));
    for (const answer of await Promise.all(answers)) assert.strictEqual(answer, `handled by ${process.pid}\n`);
    assert.deepStrictEqual(await tell({ do: 'close' }), { closed: true });
    await goodbye({ do: 'bye' });
  },

  async given_shared() {
    const client = connect(await listenThere({ keep: true }));
    const [message, socket] = await next();
    assert.strictEqual(message, 'ours');
    socket.resume();
    socket.end(`handled by ${process.pid}\n`);
    assert.deepStrictEqual(await tell({ do: 'drop' }), { open: 1 });
    assert.strictEqual(await readAll(client), `said by the child\nhandled by ${process.pid}\n`);
    client.end();
    await once(socket, 'close');
    await goodbye({ do: 'bye' });
  },

  async given_read() {
    const client = connect(await listenThere({ read: true }));
    const answer = readAll(client);
    client.write('read by the child');
    await expect({ back: 'read by the child' });
    assert.strictEqual(await answer, '');
    client.end();
    await goodbye({ do: 'bye' });
  },

  async given_of_a_path() {
    const [path] = texts;
    assert.strictEqual(await listenThere({ path }), path);
    const client = connect(path);
    await take(1);
    assert.deepStrictEqual(await tell({ do: 'count' }), { open: 1 });
    assert.strictEqual(await readAll(client), `handled by ${process.pid}\n`);
    client.end();
    assert.deepStrictEqual(await tell({ do: 'close' }), { closed: true });
    await goodbye({ do: 'bye' });
  },

  async given_server_of_a_path() {
    const [path] = texts;
    child.send({ do: 'server', path });
    const [message, server] = await next();
    assert.deepStrictEqual(message, { given: path });
    assert(server instanceof net.Server);
    server.on('connection', (socket) => socket.end('served by the parent\n'));
    // The child stands still, so it is this process that accepts.
    child.kill('SIGSTOP');
    assert.strictEqual(await readAll(connect(path)), 'served by the parent\n');
    child.kill('SIGCONT');
    server.close();
    await goodbye({ do: 'bye' });
  },

  async given_udp6() {
    child.send({ do: 'udp6' });
    const [{ given }, socket] = await next();
    assert(socket instanceof dgram.Socket);
    assert.strictEqual(socket.address().port, given);
    assert.strictEqual(socket.address().family, 'IPv6');
    await receiveAlone(socket, 'udp6');
    await goodbye({ do: 'bye' });
  },

  async many_messages() {
    for (let i = 0; i < 10000; ++i) child.send(i);
    const end = goodbye_after(10000);
    leave(() => child.send('bye'));
    await end;
  },

  async parent_disconnects() {
    child.send('last');
    await expect({ echo: 'last' });
    leave(() => child.disconnect());
    assert.deepStrictEqual(await once(child, 'exit'), [0, null]);
  },

  async child_exits() {
    const disconnected = once(child, 'disconnect');
    await goodbye();
    await disconnected;
    assert.strictEqual(child.connected, false);
  },

  async child_throws() {
    const disconnected = once(child, 'disconnect');
    leave(() => child.send('throw'));
    assert.deepStrictEqual(await once(child, 'exit'), [1, null]);
    await disconnected;
  },

  // Node's own answer to a refusal is to send the message once more, wrapped twice; it wants one answer to that.
  async retransmission() {
    const server = await listen({ pauseOnConnect: true });
    limitDescriptors(3);
    child.prependListener('internalMessage', ({ cmd }) => {
      if (cmd === 'NODE_HANDLE_NACK') limitDescriptors(256);
    });
    const [client] = await handOver(server, 1);
    assert.strictEqual(await readAll(client), `handled by ${child.pid}\n`);
    client.end();
    await new Promise((resolve) => server.close(resolve));
    await goodbye();
    assert.deepStrictEqual(internal.slice(0, 2), ['NODE_HANDLE_NACK', 'NODE_HANDLE_ACK']);
    assert.strictEqual(acknowledged(), 1);
  },

  async refused_for_good() {
    const server = await listen({ pauseOnConnect: true });
    limitDescriptors(3);
    server.on('connection', (socket) => child.send('take', socket));
    const client = connect(server.address().port);
    const [warning] = await once(process, 'warning');
    assert.strictEqual(warning.name, 'SentHandleNotReceivedWarning');
    assert.strictEqual(await readAll(client), '');
    client.end();
    limitDescriptors(256);
    child.send('go on');
    await expect({ echo: 'go on' });
    server.close();
    await goodbye();
    assert.strictEqual(acknowledged(), 0);
  },
};

async function goodbye_after(count) {
  const exited = once(child, 'exit');
  for (let i = 0; i < count; ++i) await expect({ echo: i });
  assert.deepStrictEqual(await exited, [0, null]);
  assert.deepStrictEqual(inbox, []);
}

(async () => {
  await expect({ ready: child.pid });
  await scenarios[scenario]();
  process.exit(0);
})();
