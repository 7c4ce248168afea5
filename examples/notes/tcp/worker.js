'use strict';
// Gets a server that listens already, and answers each connection with its process id.

process.on('message', (message, server) => {
  if (message !== 'server') return;
  server.on('connection', (socket) => socket.end(`child, pid ${process.pid}\n`));
});
process.on('disconnect', () => process.exit(0));
