'use strict';
// Feeds each connection of the server that it gets to an HTTP server that does not listen itself.

const http = require('http');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ msg: 'Hello World', pid: process.pid }));
});
server.emit('listening');  // without it the time-outs for slow clients never start

process.on('message', (message, tcp) => {
  if (message !== 'server') return;
  tcp.on('connection', (socket) => server.emit('connection', socket));
});
process.on('disconnect', () => process.exit(0));
