'use strict';
// Serves the connections that it is given. An exception that nobody catches ends up in 'uncaughtException':
// nobody knows what it left half done, so the worker says what it was and ends.

const http = require('http');

const server = http.createServer((request, response) => {
  if (request.url === '/throw') throw new Error('asked to');
  response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' });
  response.end(`served by ${process.pid}\n`);
});
server.emit('listening');  // without it the time-outs for slow clients never start

process.on('uncaughtException', (error) => {
  process.send({ uncaught: error.message }, () => process.exit(1));
});
process.on('message', (message, socket) => {
  if (message === 'connection' && socket) server.emit('connection', socket);
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
