'use strict';
// Many processes, one port: the primary listens, sends the server to each worker, and closes its own.
//
//     nc localhost 1234

const net = require('net');
const notes = require('../notes.js');

const server = net.createServer();
server.listen(notes.port(1234), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
  for (let i = 0; i < notes.count; ++i) {
    const worker = notes.fork('worker.js');
    worker.send('server', server);
    console.log(`worker ${worker.pid}`);
  }
  server.close();  // those of the workers serve on
});
