'use strict';
// What can be sent beside a message: a server, a connection, and a bare socket without an object around it.

const net = require('net');
const notes = require('../notes.js');

const worker = notes.fork('worker.js');

function listen(kind, server, then) {
  server.listen(0, '127.0.0.1', () => {
    console.log(`${kind} on port ${server.address().port}`);
    then(server);
  });
}

listen('net.Server', net.createServer(), (server) => {
  worker.send('net.Server', server);
  server.close();
});
// Node shows its own C++ socket only under this name.
listen('net.Native', net.createServer(), (server) => {
  worker.send('net.Native', server._handle, () => server.close());
});
// This one stays here, and each connection that it accepts moves to the worker. Paused, so that no byte is
// read here.
listen('net.Socket', net.createServer({ pauseOnConnect: true }), (server) => {
  server.on('connection', (socket) => worker.send('net.Socket', socket));
});
