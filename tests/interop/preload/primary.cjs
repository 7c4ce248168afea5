// primary.cjs SCENARIO [cjs|mjs]: a real Node as the primary of one worker with the module of `baton run`; what
// it finds wrong is an exception. The module lies at a path with a space, as it may in a user's folder.
'use strict';

const assert = require('assert');
const childProcess = require('child_process');
const cluster = require('cluster');
const events = require('events');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const tls = require('tls');

const [, , scenario, kind = 'cjs'] = process.argv;
const graceOf = { http2: 1000, idle: 300, silent_for_ever: 300, websocket: 100 };
const grace = graceOf[scenario] ?? 60000;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'baton preload '));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));
const file = path.join(folder, 'preload.cjs');
const option = `--require="${file}"`;
const source = fs.readFileSync(path.join(__dirname, '../../../src/cli/preload.cjs'), 'utf8');
fs.writeFileSync(file, `${source}\nmodule.exports(${JSON.stringify({ option, grace })});\n`);

// The worker, its port, and what it has said so far beside the cluster's own.
async function start(variables = {}) {
  cluster.setupPrimary({ exec: path.join(__dirname, `worker.${kind}`) });
  const worker = cluster.fork({ NODE_OPTIONS: option, ...variables });
  worker.said = [];
  worker.news = new events.EventEmitter();
  worker.process.on('internalMessage', (message) => {
    worker.said.push(message);
    worker.news.emit('message', message);
  });
  const [address] = await events.once(worker, 'listening');
  worker.port = address.port;
  return worker;
}

async function said(worker, wanted) {
  for (;;) {
    const found = worker.said.find(wanted);
    if (found) return found;
    await events.once(worker.news, 'message');
  }
}

class Client {
  static async connect(port, secure = false) {
    const client = new Client();
    client.text = '';
    client.ended = false;
    client.socket = secure ? tls.connect(port, '127.0.0.1', { rejectUnauthorized: false }) : net.connect(port, '127.0.0.1');
    client.news = new events.EventEmitter();
    client.socket.on('data', (bytes) => client.news.emit('news', (client.text += bytes)));
    client.socket.on('close', () => client.news.emit('news', (client.ended = true)));
    await events.once(client.socket, secure ? 'secureConnect' : 'connect');
    return client;
  }
  ask(target, more = '') {
    this.text = '';
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`);
  }
  async answer() {
    while (!this.text.includes('END')) {
      assert(!this.ended, `ended before an answer: ${this.text}`);
      await events.once(this.news, 'news');
    }
    return this.text;
  }
  // Asks until the worker has heard that it is to leave: then the answer is the last.
  async askUntilLast(target = '/') {
    do {
      this.ask(target);
      assert.match(await this.answer(), /^HTTP\/1.1 200 /);
    } while (!/\r\nConnection: close\r\n/i.test(this.text));
    assert.doesNotMatch(this.text, /\r\nConnection: keep-alive/i);
    await this.end();
  }
  async end() {
    while (!this.ended) await events.once(this.news, 'news');
  }
}

async function leave(worker) {
  worker.disconnect();
  // It closes its servers in the same breath.
  await said(worker, (message) => message.act === 'close');
}

async function gone(worker) {
  if (!worker.isDead()) await events.once(worker, 'exit');
  assert.strictEqual(worker.process.exitCode, 0);
}

const scenarios = {
  async keep_alive() {
    const worker = await start();
    const client = await Client.connect(worker.port);
    client.ask('/');
    assert.match(await client.answer(), /\r\nConnection: keep-alive\r\n/);
    await leave(worker);
    await client.askUntilLast();
    await gone(worker);
  },
  async https() {
    const worker = await start({ SECURE: '1' });
    const client = await Client.connect(worker.port, true);
    client.ask('/');
    assert.match(await client.answer(), /\r\nConnection: keep-alive\r\n/);
    const silent = await Client.connect(worker.port, true);
    await leave(worker);
    await client.askUntilLast();
    await silent.askUntilLast();
    await gone(worker);
  },
  async http2() {
    const worker = await start({ HTTP2: '1' });
    const session = require('http2').connect(`http://127.0.0.1:${worker.port}`);
    const closed = events.once(session, 'close');
    const ask = async (target) => {
      const stream = session.request({ ':path': target });
      let text = '';
      for await (const bytes of stream) text += bytes;
      return text;
    };
    assert.strictEqual(await ask('/'), 'END');
    const waiting = ask('/when_told');
    assert.strictEqual(await ask('/'), 'END');
    const told = events.once(session, 'goaway');
    const onItsWay = ask('/');
    await new Promise(setImmediate); // it is written
    worker.disconnect();
    const [code] = await told;
    assert.strictEqual(code, 0);
    assert.strictEqual(await onItsWay, 'END');
    worker.send('answer');
    assert.strictEqual(await waiting, 'END');
    await closed;
    await gone(worker);
  },
  async silent() {
    const worker = await start();
    const client = await Client.connect(worker.port);
    await said(worker, (message) => message.accepted === true);
    await leave(worker);
    await client.askUntilLast();
    await gone(worker);
  },
  async idle() {
    const worker = await start();
    const client = await Client.connect(worker.port);
    client.ask('/');
    await client.answer();
    const told = performance.now();
    await leave(worker);
    await client.end();
    assert(performance.now() - told >= grace, `closed after ${performance.now() - told} ms`);
    await gone(worker);
  },
  async silent_for_ever() {
    const worker = await start();
    const client = await Client.connect(worker.port);
    await said(worker, (message) => message.accepted === true);
    await leave(worker);
    await client.end();
    await gone(worker);
  },
  async in_progress() {
    const worker = await start();
    const waiting = await Client.connect(worker.port);
    waiting.ask('/when_told');
    const begun = await Client.connect(worker.port);
    begun.ask('/begun');
    while (!begun.text.includes('begun')) await events.once(begun.news, 'news');
    assert.match(begun.text, /\r\nConnection: keep-alive\r\n/);
    await leave(worker);
    worker.send('answer');
    assert.match(await waiting.answer(), /\r\nConnection: close\r\n/);
    await waiting.end();
    // Its head had gone: the next answer is the last.
    await begun.answer();
    await begun.askUntilLast();
    await gone(worker);
  },
  async own_headers() {
    const worker = await start();
    const clients = [];
    const targets = ['/set', '/object', '/list', '/pairs'];
    // Without that header Node 18 closes the connection in any case.
    if (parseInt(process.versions.node) > 18) targets.push('/removed');
    for (const target of targets) {
      const client = await Client.connect(worker.port);
      client.ask(target);
      await client.answer();
      clients.push(client);
    }
    await leave(worker);
    for (const [i, client] of clients.entries()) {
      client.ask(targets[i]);
      const answer = await client.answer();
      assert.match(answer, /\r\nConnection: close\r\n/i, targets[i]);
      assert.doesNotMatch(answer, /\r\nConnection: keep-alive/i, targets[i]);
      assert.match(answer, /\r\nX-Own: kept\r\n/i, targets[i]);
      await client.end();
    }
    await gone(worker);
  },
  async own_close() {
    // A program that closes its server and its idle connections itself, when it hears that it is to leave.
    const worker = await start({ CLOSES: '1' });
    const client = await Client.connect(worker.port);
    client.ask('/');
    await client.answer();
    await leave(worker);
    await client.askUntilLast();
    await gone(worker);
  },
  async websocket() {
    const worker = await start();
    const client = await Client.connect(worker.port);
    client.ask('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n');
    assert.match(await client.answer(), /^HTTP\/1.1 101 .*\r\nConnection: Upgrade\r\n/s);
    const idle = await Client.connect(worker.port);
    idle.ask('/');
    await idle.answer();
    await leave(worker);
    await idle.end();
    client.text = '';
    client.socket.write('still there? END');
    assert.strictEqual(await client.answer(), 'still there? END');
    client.socket.end();
    await gone(worker);
  },
  async load() {
    const worker = await start();
    const load = (connections) => (message) =>
      message.cmd === 'NODE_BATON_LOAD' && message.connections === connections && typeof message.lag === 'number';
    await said(worker, load(0));
    const clients = [];
    for (let i = 0; i < 7; ++i) clients.push(await Client.connect(worker.port));
    await said(worker, load(7));
    worker.said.length = 0;
    for (const client of clients) client.socket.destroy();
    await said(worker, load(0));
    const client = await Client.connect(worker.port);
    client.ask('/block?ms=300');
    await client.answer();
    await said(worker, (message) => message.cmd === 'NODE_BATON_LOAD' && message.lag >= 150);
    await said(worker, (message) => message.cmd === 'NODE_BATON_LOAD' && message.lag < 150);
    client.socket.destroy();
    await leave(worker);
    await gone(worker);
  },
  async ping() {
    const worker = await start();
    worker.process.send({ cmd: 'NODE_BATON_PING', n: 17 });
    assert.deepStrictEqual(await said(worker, (message) => message.cmd === 'NODE_BATON_PONG'), { cmd: 'NODE_BATON_PONG', n: 17 });
    await leave(worker);
    await gone(worker);
  },
  async grandchildren() {
    for (const own of ['', '--no-warnings']) {
      const worker = await start({ NODE_OPTIONS: own ? `${own} ${option}` : option });
      const client = await Client.connect(worker.port);
      client.ask('/options');
      const expected = JSON.stringify(own || null);
      assert.strictEqual((await client.answer()).split('\r\n\r\n')[1], `${expected} ${expected} ${expected}END`);
      await leave(worker);
      await client.askUntilLast();
      await gone(worker);
    }
  },
  async others() {
    // A process that is nobody's worker: with and without a channel.
    const script = 'process.stdout.write(JSON.stringify([process.env.NODE_OPTIONS ?? null, process.listenerCount("internalMessage")]))';
    const env = { ...process.env, NODE_OPTIONS: option };
    for (const stdio of [['ignore', 'pipe', 'inherit'], ['ignore', 'pipe', 'inherit', 'ipc']]) {
      const said = [];
      for (const each of [env, { ...env, NODE_OPTIONS: '' }]) {
        const child = childProcess.spawn(process.execPath, ['-e', script], { stdio, env: each });
        let text = '';
        child.stdout.on('data', (bytes) => (text += bytes));
        const [code] = await events.once(child, 'close');
        assert.strictEqual(code, 0);
        said.push(JSON.parse(text)[1]);
      }
      assert.strictEqual(said[0], said[1]);
    }
  },
};

assert(scenarios[scenario], `no scenario ${scenario}`);
scenarios[scenario]().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
    process.exit(1);
  },
);
