'use strict';
// A primary of Node's cluster that is driven by lines on its standard input, and prints each event, as
// tests/process/cluster_peer.cc does: `primary.js rr|none MODULE PROGRAM [ARG...]`. A worker whose slot is given
// as 1 is PROGRAM, any other one is the script MODULE. $SERIALIZATION is the channels'.

const cluster = require('cluster');
const net = require('net');
const readline = require('readline');

const [policy, script, program, ...args] = process.argv.slice(2);
const node = process.execPath;
cluster.schedulingPolicy = policy === 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;

const print = (line) => process.stdout.write(`${line}\n`);
const named = ({ address, port }) => `${address === null ? '*' : address}:${port}`;
const ended = (code, signal) => (signal ? `killed by ${signal}` : `exit code ${code}`);

const there = (worker) => worker.isConnected() && !worker.isDead();
cluster.on('online', (worker) => print(`${worker.id} online${there(worker) ? '' : ', but not there'}`));
cluster.on('listening', (worker, address) => print(`${worker.id} listening ${named(address)}`));
cluster.on('disconnect', (worker) =>
  print(`${worker.id} disconnect${worker.isConnected() ? ', but connected' : ''}`),
);
cluster.on('exit', (worker, code, signal) =>
  print(
    `${worker.id} exit: ${ended(code, signal)}${worker.exitedAfterDisconnect ? ', meant' : ''}` +
      `${worker.isDead() ? '' : ', but there'}`,
  ),
);
cluster.on('message', (worker, message) => print(`${worker.id} says ${JSON.stringify(message)}`));

const known = {}; // those too that cluster.workers has forgotten, as they were told to leave
cluster.on('fork', (worker) => {
  known[worker.id] = worker;
  // Node's own race, as in worker.js: a worker that leaves may be gone before it is answered.
  worker.on('error', (error) => {
    if (!['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED'].includes(error.code)) throw error;
  });
  worker.process.stdio[4]?.on('data', (text) => print(`${worker.id} pipes ${String(text).trim()}`));
});

const verbs = {
  fork: (slot, env) => {
    process.execPath = slot === '1' ? program : node;
    cluster.setupPrimary({
      exec: slot === '1' ? args[0] || 'x' : script,
      args: slot === '1' ? args.slice(1) : [],
      serialization: process.env.SERIALIZATION || 'json',
      ...(process.env.PIPE ? { stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'] } : {}),
    });
    cluster.fork(env);
  },
  env: (slot, value) => verbs.fork(slot, { SCENARIO: value }),
  empty: () => cluster.disconnect(() => print('empty')),
  throw: () => {
    throw new Error('the primary throws');
  },
  tell: (id, ...json) => cluster.workers[id].send(JSON.parse(json.join(' '))),
  kill: (id, signal) => process.kill(cluster.workers[id].process.pid, Number(signal)),
  leave: (id) => {
    if (id) return cluster.workers[id].disconnect();
    cluster.disconnect(() => {
      print('all gone');
      process.exit(0);
    });
  },
  chdir: (folder) => process.chdir(folder),
  give: (id) => {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => cluster.workers[id].send('a connection', socket));
    server.listen(0, '127.0.0.1', () => print(`${id} is given those of 127.0.0.1:${server.address().port}`));
  },
  pipe: (id) => known[id].process.stdio[4].write('a word\n'),
  state: (id) => print(`${id} pid ${known[id].process.pid}`),
};
const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const [verb, ...rest] = line.split(' ');
  verbs[verb](...rest);
});
input.on('close', () => process.exit(0));
