'use strict';
// A child that gives its parent what it has; giver.cc does the same in C++, and says there what the orders are.

const dgram = require('dgram');
const net = require('net');

let server;
let kept;
let leaving = false;
let unsent = 0;
// process.exit() loses what is not in the kernel yet.
const leave = () => leaving && unsent === 0 && process.exit(0);
const say = (message, handle, options, sent = () => {}) => {
  ++unsent;
  process.send(message, handle, options, () => {
    sent();
    --unsent;
    leave();
  });
};

const orders = {
  listen({ path, keep, read }) {
    server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      if (read) {
        // What was read stays here: a channel of Node has no place for it.
        socket.once('data', () => say('yours', socket.pause()));
        return socket.resume();
      }
      if (!keep) return say('yours', socket);
      kept = socket;
      socket.write('said by the child\n', () => say('ours', socket, { keepOpen: true }));
    });
    const where = path ? { path } : { port: 0, host: '127.0.0.1' };
    server.listen(where, () => say({ listening: path || server.address().port }));
  },
  drop() {
    say({ open: kept.destroyed ? 0 : 1 });
    kept.destroy();
  },
  count: () => server.getConnections((_, open) => say({ open })),
  close: () => server.close(() => say({ closed: true })),
  udp6() {
    const socket = dgram.createSocket('udp6');
    socket.bind(0, '::1', () => say({ given: socket.address().port }, socket));
  },
  server({ path }) {
    server = net.createServer();
    server.listen({ path }, () => say({ given: path }, server));
  },
  ping: () => say({ pong: true }),
  bye() {
    leaving = true;
    leave();
  },
};
process.on('message', (order) => orders[order.do](order));
process.on('disconnect', () => process.exit(0));
say({ ready: process.pid });
