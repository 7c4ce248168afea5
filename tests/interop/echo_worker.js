'use strict';
// What examples/echo_worker.cc does, by Node: the other implementation that each parent is tested with.

const net = require('net');

// process.exit() loses what is not in the kernel yet.
let unsent = 0;
let leaving = false;
const leave = () => leaving && unsent === 0 && process.exit(0);
const send = (message, handle) => {
  ++unsent;
  process.send(message, handle, () => {
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

function give(type) {
  const server = net.createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    if (type === 'net.Server') {
      send({ given: type, port }, server);
      serve(server);
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
