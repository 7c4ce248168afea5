'use strict';
// An unmodified worker of Node's cluster that does as it is told by messages; tests/process/cluster_peer.cc
// does the same in C++. Nothing here knows that its primary may be no Node.

const cluster = require('cluster');

// Node's own race: a worker that is told to leave says that it closes its servers, and leaves, to a primary that may be
// gone already.
const races = ['EPIPE', 'ECONNRESET', 'ERR_IPC_DISCONNECTED'];
cluster.worker.on('error', (error) => {
  if (!races.includes(error.code)) throw error;
});
const dgram = require('dgram');
const fs = require('fs');
const http = require('http');
const https = require('https');
const net = require('net');
const path = require('path');

const say = (what) => process.connected && process.send(what);
const named = ({ address, port }) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
const where = (server) => {
  const address = server.address();
  return typeof address === 'string' ? `unix:${address}` : address ? named(address) : 'somewhere';
};

const held = [];
const sockets = new Set();

function listen(server, order, verb) {
  server.on('error', (error) => {
    say(error.code);
    if (order.failing) cluster.worker.disconnect();
    if (order.failing === 'throw') throw error;
  });
  server.listen(
    {
      ...(order.path ? { path: order.path } : {}),
      ...(order.fd !== undefined ? { fd: order.fd } : {}),
      ...(order.path || order.fd !== undefined ? {} : { port: order.port, host: order.host }),
      backlog: order.backlog,
      exclusive: Boolean(order.exclusive),
      ...order.more,
    },
    () => say(`${verb} ${where(server)}`),
  );
  if (order.give_up) {
    server.close();
    return say('given up');
  }
  if (order.max !== undefined) server.maxConnections = order.max;
  held.push(server);
}

const answer = (request, response) => response.end(`${process.pid}\n`);
const ofConnections = http.createServer(answer);

const orders = {
  serve: (order) => listen(http.createServer(answer), order, 'serving'),
  tls: (order) => {
    const file = (name) => fs.readFileSync(path.join(__dirname, 'tls', name));
    listen(https.createServer({ key: file('key.pem'), cert: file('cert.pem') }, answer), order, 'serving');
  },
  // Connections as such: each gets the pid, and is held until the client closes.
  hold: (order) => {
    const server = net.createServer({ allowHalfOpen: false }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.resume();
      socket.write(`${process.pid}\n`);
    });
    listen(server, order, 'holding');
  },
  // On a handle of its own, of which the primary knows nothing.
  'hold own': () => {
    const first = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const second = net.createServer((socket) => socket.end(`${process.pid}\n`));
      second.listen(first, () => say(`holding ${where(second)}`));
    });
  },
  udp: (order) => {
    const socket = dgram.createSocket({
      type: order.host?.includes(':') ? 'udp6' : 'udp4',
      reuseAddr: Boolean(order.reuse),
      reusePort: Boolean(order.reuse_port),
      ipv6Only: Boolean(order.ipv6_only),
    });
    held.push(socket);
    socket.on('message', (_, from) => socket.send(`${process.pid}\n`, from.port, from.address));
    socket.on('error', (error) => say(error.code));
    const bound = () => say(`bound ${named(socket.address())}`);
    if (order.unref) socket.unref();
    const forms = {
      nothing: () => {
        socket.on('listening', bound);
        socket.bind();
      },
      callback: () => socket.bind(bound),
      text: () => socket.bind(String(order.port), bound),
    };
    if (order.form) return forms[order.form]();
    if (order.fd !== undefined) return socket.bind({ fd: order.fd }, bound);
    const { port, host: address = '127.0.0.1', exclusive } = order;
    socket.bind({ port, address, exclusive: Boolean(exclusive) }, bound);
    if (order.give_up) {
      socket.close();
      say('given up');
    }
  },
  // Of a socket that was bound to nothing before.
  datagram: (order) => {
    const socket = dgram.createSocket('udp4');
    held.push(socket);
    socket.send(`${process.pid}`, order.port, '127.0.0.1');
  },
  // What it was started with, and what it is.
  self: () => say([process.cwd(), process.getuid(), process.execArgv, process.versions.node]),
  print: () => {
    console.log('a word');
    console.error('another word');
  },
  close: () => {
    held.splice(0).forEach((server) => server.close());
    say('closed');
  },
  exit: (order) => process.exit(order.code),
  loop: () => {
    for (;;);
  },
  env: () => say(process.env.SCENARIO || 'none'),
  'unref the channel': () => {
    process.channel.unref();
    say('unreferenced');
  },
  ref: () => {
    held.forEach((server) => server.ref());
    say('kept');
  },
  unref: () => {
    held.forEach((server) => server.unref());
    say('let go');
  },
  'send nonsense': () => {
    process.send({ cmd: 'NODE_CLUSTER', act: 'nonsense' });
    say('still here');
  },
  echo: (order) => process.send(order),
  'copy the pipe': () => {
    const pipe = new net.Socket({ fd: 4 });
    pipe.pipe(pipe);
    say('copying');
  },
  disconnect: () => cluster.worker.disconnect(),
  'disconnect and kill': () => {
    process.on('disconnect', () => cluster.worker.kill());
    cluster.worker.disconnect();
  },
  kill: () => cluster.worker.kill(),
  'disconnect the process': () => process.disconnect(),
};

process.on('message', (order, handle) => (handle ? ofConnections.emit('connection', handle) : orders[order.do](order)));
