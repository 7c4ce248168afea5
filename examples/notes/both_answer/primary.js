'use strict';
// The primary sends its server to a worker and goes on using it: now either of them may answer a client.

const net = require('net');
const notes = require('../notes.js');

const server = net.createServer((socket) => socket.end(`parent, pid ${process.pid}\n`));
server.listen(notes.port(1234), '127.0.0.1', () => {
  const worker = notes.fork('../tcp/worker.js');
  worker.send('server', server);
  console.log(`listening on port ${server.address().port}`);
  console.log(`worker ${worker.pid}`);
});
