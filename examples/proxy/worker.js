'use strict';
// What a worker of examples/proxy.cc does, by Node: an HTTP server on a port of its own, which it tells the primary.
// It answers with its process id, or with what it was sent; and takes connections that are handed over.

const http = require('http');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.on('finish', () => draining && setImmediate(() => server.closeIdleConnections()));
  if (request.method === 'POST') request.pipe(response);
  else response.end(`${process.pid}\n`);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

// It ends when the last connection has.
let draining = false;
function drain() {
  if (draining) return;
  draining = true;
  server.close();
  server.closeIdleConnections();
  if (process.connected) process.disconnect();
}

process.on('message', (message, socket) => {
  if (socket) server.emit('connection', socket);
  else if (message === 'drain') drain();
});
process.on('disconnect', drain);
// Ctrl-C reaches the whole foreground group; the primary decides what it means.
process.on('SIGINT', () => {});
