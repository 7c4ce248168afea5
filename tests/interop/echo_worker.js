'use strict';
// What examples/echo_worker.cc does, by Node: the other implementation that each parent is tested with.

const dgram = require('dgram');
const net = require('net');

// process.exit() loses what is not in the kernel yet.
let unsent = 0;
let leaving = false;
const leave = () => leaving && unsent === 0 && process.exit(0);
const send = (message, handle, sent = () => {}) => {
  ++unsent;
  process.send(message, handle, () => {
    sent();
    --unsent;
    leave();
  });
};

const greet = (socket, text) => {
  socket.on('error', () => {});
  socket.resume();
  socket.end(`${text} by ${process.pid}\n`);
};
const serve = (server) => server.on('connection', (socket) => greet(socket, 'served'));
const echo = (socket) => socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
const isUdp = (handle) => handle.constructor.name === 'UDP';

function giveUdp(type) {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1', () => {
    const { port } = socket.address();
    if (type === 'dgram.Socket') {
      send({ given: type, port }, socket);
      echo(socket);
      return;
    }
    // Node has no public name for the handle of a socket.
    const kState = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
    send({ given: type, port }, socket[kState].handle);
  });
}

function give(type) {
  if (type.startsWith('dgram.')) {
    giveUdp(type);
    return;
  }
  if (type === 'net.BoundSocket') {
    const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
    const { port } = bound.address();
    send({ given: type, port }, bound);
    return;
  }
  const server = net.createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    if (type === 'net.Server') {
      send({ given: type, port }, server);
      serve(server);
      return;
    }
    if (type === 'net.Native') {
      // Node goes on with its own copy until somebody closes that.
      send({ given: type, port }, server._handle, () => server.close());
      return;
    }
    server.on('connection', (far) => greet(far, 'handled'));
    const near = net.connect(port, '127.0.0.1', () => {
      send({ given: type, port: near.localPort }, near);
      server.close();
    });
  });
}

process.on('message', (message, handle) => {
  if (handle instanceof net.Server) {
    send({ got: 'net.Server', with: message });
    serve(handle);
  } else if (handle instanceof net.Socket) {
    send({ got: 'net.Socket', with: message });
    greet(handle, 'handled');
  } else if (handle instanceof dgram.Socket) {
    send({ got: 'dgram.Socket', with: message });
    echo(handle);
  } else if (net.BoundSocket && handle instanceof net.BoundSocket) {
    serve(net.createServer()).listen(handle, () => send({ got: 'net.BoundSocket', with: message }));
  } else if (handle && isUdp(handle)) {
    send({ got: 'dgram.Native', with: message });
    const socket = dgram.createSocket('udp4');
    socket.bind(handle);
    echo(socket);
  } else if (handle) {
    send({ got: 'net.Native', with: message });
    net.createServer((socket) => greet(socket, 'served')).listen(handle);
  } else if (message === 'bye') {
    leaving = true;
    leave();
  } else if (message === 'throw') {
    throw new Error('asked to');
  } else if (message !== null && typeof message === 'object' && 'give' in message) {
    give(message.give);
  } else {
    send({ echo: message });
  }
});
process.on('disconnect', () => process.exit(0));
send({ ready: process.pid });
