'use strict';
// The same as with TCP: what a worker does with the connections is not the primary's business.
//
//     curl localhost:8080

const net = require('net');
const notes = require('../notes.js');

const server = net.createServer();
server.listen(notes.port(8080), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
  for (let i = 0; i < notes.count; ++i) {
    const worker = notes.fork('worker.js');
    worker.send('server', server);
    console.log(`worker ${worker.pid}`);
  }
  // Left open, it would accept connections too, and nobody would ever answer those.
  server.close();
});
