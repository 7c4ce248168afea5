// A child for node_child_parent.js: gets connections over the channel, and answers the HTTP requests on them.
'use strict';
const http = require('node:http');

const server = http.createServer((request, response) => {
  response.end(`Hello from Node, process ${process.pid}\n`);
});
process.on('message', (message, socket) => {
  if (!socket) return; // its client is gone
  server.emit('connection', socket);
  socket.resume(); // the parent has paused it
});
