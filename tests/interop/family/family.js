'use strict';
// The parents and the children of Node's own tests, by Node; family.cc is the same in C++: `node family.js ACT [ARG...]`.
// The act of a parent is told the module of its child first: this file, or that program.

const assert = require('assert');
const { fork, spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const net = require('net');
const { once } = require('events');

const [act, ...args] = process.argv.slice(2);
const print = (line) => process.stdout.write(`${line}\n`);
const describe = (code, signal) => (signal ? `killed by ${signal}` : `exit code ${code}`);

// --- what parents need

const isScript = (module_) => module_.endsWith('.js');
const start = (module_, rest, options) =>
  isScript(module_) ? spawn(process.execPath, [module_, ...rest], options) : spawn(module_, rest, options);
const withChannel = (module_, rest, options = {}) => {
  const all = { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], ...options };
  return isScript(module_) ? fork(module_, rest, all) : spawn(module_, rest, all);
};
const inherited = { stdio: 'inherit' };
const output = { stdio: ['ignore', 'pipe', 'inherit'] };

function text(stream) {
  let all = '';
  stream?.setEncoding('utf8').on('data', (piece) => { all += piece; });
  return () => all;
}
// What it prints, complains of, and how it ends.
async function collect(child) {
  const out = text(child.stdout);
  const err = text(child.stderr);
  // Of a program whose channel the parent has left 'close' does not come.
  const ends = [child.stdout, child.stderr].filter(Boolean).map((stream) => once(stream, 'close'));
  if (child.channel) ends.push(once(child, 'disconnect'));
  const [code, signal] = await once(child, 'exit');
  await Promise.all(ends);
  return { out: out(), err: err(), code, how: describe(code, signal) };
}
const ended = async (child) => (await collect(child)).how;

async function listen(where = { port: 0, host: '127.0.0.1' }) {
  const server = net.createServer();
  server.listen(where);
  await once(server, 'listening');
  return server;
}
const inputEnd = () => new Promise((resolve) => process.stdin.resume().on('end', resolve));
const sent = (channel, message, handle) =>
  new Promise((resolve) => channel.send(message, handle, (error) => resolve(error)));

// To a channel that is closed.
async function speakLate(channel, who) {
  let goesOn = true;
  const error = await new Promise((resolve) => { goesOn = channel.send('late', resolve); });
  if (!goesOn && error.code === 'ERR_IPC_CHANNEL_CLOSED') print(`${who} is refused`);
}

const parents = {
  async 'somewhere'(module_) {
    print((await collect(start(module_, ['where'], { ...output, cwd: '' }))).out);
    const [error] = await once(start(module_, ['where'], { cwd: '/nowhere/at/all' }), 'error');
    print(error.code);
  },
  'outlived'(module_, how) {
    const options = { detached: true, stdio: 'ignore' };
    const child = how === 'spawn' ? start(module_, ['stay'], options)
      : withChannel(module_, ['stay'], { ...options, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    print(child.pid);
    process.exit(0);
  },
  async 'generation'(left, next, afterNext) {
    if (left === '0') {
      print('the last');
      process.exitCode = 7;
      return;
    }
    const child = start(next, ['generation', String(left - 1), afterNext, next], output);
    const { out, code } = await collect(child);
    process.stdout.write(out);
    print(`${left} saw exit code ${code}`);
    process.exitCode = code;
  },
  async 'inherited'(module_, ...rest) {
    process.exitCode = (await collect(start(module_, rest, inherited))).code;
  },
  async 'collected'(module_, ...rest) {
    const { out, err, how } = await collect(start(module_, rest, { stdio: 'pipe' }));
    print(`out: ${out}, err: ${err}, ${how}`);
  },
  async 'forty'(module_) {
    let bytes = 0;
    for (let i = 0; i < 40; ++i) bytes += (await collect(start(module_, ['print', '1048576'], output))).out.length;
    print(bytes);
  },
  async 'merged'(module_) {
    const cat = spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    const all = collect(cat);
    const into = { stdio: ['ignore', cat.stdin, 'inherit'] };
    await Promise.all(['one', 'two'].map((word) => ended(start(module_, ['say', word], into))));
    cat.stdin.end('three\n');
    for (const line of (await all).out.trim().split('\n').sort()) print(line);
  },
  async 'reader after reader'(module_) {
    const cat = spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    cat.stdin.write('first\n');
    await ended(start(module_, ['read a line'], { stdio: [cat.stdout, 'inherit', 'inherit'] }));
    cat.stdout.resume(); // a stream that was lent does not flow by itself
    cat.stdin.end('second\n');
    print(`the parent read ${(await collect(cat)).out.trim()}`);
  },
  async 'lend a connection'(module_, path) {
    const server = await listen(path);
    print('listening');
    const [socket] = await once(server, 'connection');
    print(await ended(start(module_, ['say', 'to you'], { stdio: ['ignore', socket, 'inherit'] })));
    server.close();
    socket.end();
  },
  async 'unheard'(module_, how) {
    const stdio = ['ignore', 'pipe', 'inherit', 'ipc'];
    const child = how === 'fork' ? withChannel(module_, ['speak to nobody'], { stdio })
      : start(module_, ['speak to nobody'], { stdio });
    const end = once(child, 'exit');
    await once(child, 'message');
    child.stdout.destroy();
    await once(child.stdout, 'close');
    child.send('go');
    print((await once(child, 'message'))[0]);
    child.disconnect();
    print(describe(...await end));
  },
  async 'from a file'(module_, path) {
    const file = fs.openSync(path, 'r');
    print((await collect(start(module_, ['cat'], { stdio: [file, 'pipe', 'inherit'] }))).out);
  },
  async 'give a listener'(module_, how) {
    const server = await listen();
    const streams = Array(3).fill(how === 'detached' ? 'ignore' : 'inherit');
    const child = start(module_, ['serve what is 3'], { detached: how !== 'kept', stdio: [...streams, server._handle] });
    print(`${server.address().port} ${child.pid}`);
    server.close();
    if (how !== 'kept') process.exit(0);
    await inputEnd();
    child.kill();
    print(await ended(child));
  },
  async 'both kinds'(module_) {
    for (const kind of ['forked', 'spawned']) {
      const env = { ...process.env, KIND: kind };
      const child = kind === 'forked' ? withChannel(module_, ['have a channel?'], { env })
        : start(module_, ['have a channel?'], { ...inherited, env });
      print(await ended(child));
    }
  },

  async 'channel is'(module_, number) {
    const stdio = Array.from({ length: 3 }, (_, i) => (i === Number(number) ? 'ipc' : 'inherit'));
    const child = start(module_, ['talk'], { stdio });
    child.on('message', (message) => print(JSON.stringify(message)));
    print(await ended(child));
  },
  async 'hear'(module_, what) {
    let internals = 0;
    const child = withChannel(module_, [what]);
    child.on('internalMessage', ({ cmd }) => { internals += cmd === 'NODE_foo'; });
    child.on('message', (message) => print(JSON.stringify(message)));
    child.on('disconnect', () => print('disconnect'));
    print(await ended(child));
    assert.strictEqual(internals, what === 'speak internally' ? 1 : 0);
  },
  async 'throw at each'(module_) {
    let caught = 0;
    let got = 0;
    process.on('uncaughtException', () => { ++caught; });
    const child = withChannel(module_, ['say ten']);
    child.on('message', () => {
      ++got;
      throw new Error('each');
    });
    child.on('disconnect', () => print('disconnect'));
    print(await ended(child));
    print(`${got} messages, ${caught} exceptions`);
  },
  async 'be thrown at'(module_) {
    const child = withChannel(module_, ['throw at each one']);
    for (let i = 0; i < 10; ++i) child.send(i);
    child.disconnect();
    print(await ended(child));
  },
  async 'leave'(module_) {
    const child = withChannel(module_, ['stay until left'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    child.on('message', (message) => {
      print(message);
      child.disconnect();
    });
    const { out, how } = await collect(child);
    print(out.trim());
    print(how);
  },
  async 'speak late'(module_) {
    const child = withChannel(module_, ['leave and speak']);
    child.send('leave');
    print(await ended(child));
    await speakLate(child, 'the parent');
  },
  async 'ask of each'(module_) {
    const child = withChannel(module_, ['count']);
    const end = ended(child);
    const errors = await Promise.all(Array.from({ length: 50 }, (_, i) => sent(child, i)));
    print(`${errors.filter((error) => error === null).length} went`);
    child.send('end');
    print(await end);
    print((await sent(child, 'late')) ? 'the last is refused' : 'the last went');
  },
  async 'say much'(module_) {
    const child = withChannel(module_, ['echo'], { serialization: 'advanced' });
    const end = ended(child);
    const size = 8 << 20;
    for (let i = 0; i < 4; ++i) child.send(Buffer.alloc(size, 65 + i));
    for (let i = 0; i < 4; ++i) {
      const [bytes] = await once(child, 'message');
      print(`${bytes.length} ${bytes.equals(Buffer.alloc(size, 65 + i)) ? i : 'another'}`);
    }
    child.disconnect();
    print(await end);
  },
  async 'give both ways'(module_) {
    const child = withChannel(module_, ['give and take']);
    const end = ended(child);
    print(await giveAndTake(child));
    child.send('bye');
    print(await end);
  },
  async 'give with'(module_, what) {
    const message = what === 'nothing' ? null : 'x'.repeat(800002);
    const server = await listen();
    const child = withChannel(module_, ['give it back']);
    const end = ended(child);
    child.send(message, server);
    const [back, mine] = await once(child, 'message');
    assert(mine instanceof net.Server);
    assert.strictEqual(mine.address().port, server.address().port);
    print(back === message ? 'it is back' : JSON.stringify(back).slice(0, 80));
    mine.close();
    server.close();
    child.disconnect();
    print(await end);
  },
  // Node never settles what waits behind a handle that nobody acknowledges, and since 24 it does not see the end of such
  // a channel either.
  async 'give too many'(module_) {
    const known = ['ERR_IPC_CHANNEL_CLOSED', 'ECONNRESET', 'ECONNREFUSED', 'EMFILE', 'EPIPE'];
    const server = await listen();
    const child = withChannel(module_, ['exit at the first']);
    for (let i = 0; i < 20; ++i) {
      child.send(i, server, (error) => assert(error === null || known.includes(error.code), String(error)));
    }
    print(describe(...await once(child, 'exit')));
    process.exit(0);
  },
};

// Fifty handles each way at once; each end says when it has them all.
async function giveAndTake(channel) {
  const server = await listen();
  let taken = 0;
  let otherHasAll = false;
  const all = new Promise((resolve) => {
    channel.on('message', (message, handle) => {
      if (handle) {
        assert.strictEqual(message, taken);
        handle.close();
        if (++taken === 50) channel.send('has all');
      } else if (message === 'has all') {
        otherHasAll = true;
      }
      if (otherHasAll && taken === 50) resolve('both have all');
    });
  });
  await Promise.all(Array.from({ length: 50 }, (_, i) => sent(channel, i, server)));
  server.close();
  return all;
}

const children = {
  'where': () => process.stdout.write(process.cwd()),
  'stay': () => setInterval(() => {}, 1 << 30),
  'print': (count) => print('x'.repeat(count - 1)),
  'say': (word) => print(word),
  'cat': () => process.stdin.pipe(process.stdout),
  'read a line'() {
    const byte = Buffer.alloc(1);
    let line = '';
    while (fs.readSync(0, byte) === 1 && byte[0] !== 10) line += byte;
    print(`the child read ${line}`);
  },
  'end the output': () => process.stdout.end('foo'),
  'speak to nobody'() {
    process.on('message', () => {
      console.log('does anybody hear?');
      process.send('has spoken');
    });
    process.send('ready');
  },
  'serve what is 3'() {
    http.createServer((_, response) => response.end(`${process.pid}\n`)).listen({ fd: 3 });
  },
  'have a channel?': () => print(`${process.env.KIND}: ${process.connected ? 'a channel' : 'no channel'}`),
  'talk'() {
    process.stdin; // what makes it
    process.send('talked', () => process.disconnect());
  },
  'nothing': () => {},
  'speak internally'() {
    process.send({ cmd: 'NODE_foo' });
    process.send({ cmd: 'fooNODE_' });
  },
  'listen late'() {
    process.once('disconnect', () => setImmediate(() => process.on('message', () => {})));
    process.disconnect();
  },
  'say ten'() {
    for (let i = 0; i < 10; ++i) process.send(i);
  },
  'throw at each one'() {
    let caught = 0;
    let got = 0;
    process.on('uncaughtException', () => { ++caught; });
    process.on('message', () => {
      ++got;
      throw new Error('each');
    });
    process.on('disconnect', () => print(`${got} messages, ${caught} exceptions`));
  },
  'stay until left'() {
    process.on('disconnect', () => print('at the end'));
    process.send('started');
  },
  'leave and speak'() {
    process.on('message', async () => {
      process.disconnect();
      await speakLate(process, 'the child');
    });
  },
  'count'() {
    let count = 0;
    process.on('message', (message) => {
      if (message !== 'end') return ++count;
      print(`${count} came`);
      process.exit(0);
    });
  },
  'echo': () => process.on('message', (message) => process.send(message)),
  'give and take'() {
    giveAndTake(process);
    process.on('message', (message) => message === 'bye' && process.disconnect());
  },
  'give it back': () => process.on('message', (message, handle) =>
    process.send(message, handle, () => handle.close())),
  'exit at the first': () => process.once('message', (_, handle) => handle && process.exit(0)),
};

(parents[act] || children[act])(...args);
