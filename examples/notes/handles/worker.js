'use strict';
// Looks at what came with each message, and answers clients with the kind of handle that brought them here.

const net = require('net');

const answer = (socket, kind) => socket.end(`${kind} in ${process.pid}\n`);

process.on('message', (message, handle) => {
  if (handle instanceof net.Server) {
    handle.on('connection', (socket) => answer(socket, 'net.Server'));
  } else if (handle instanceof net.Socket) {
    answer(handle, 'net.Socket');
  } else if (handle) {
    net.createServer((socket) => answer(socket, 'net.Native')).listen(handle);
  }
});
process.on('disconnect', () => process.exit(0));
