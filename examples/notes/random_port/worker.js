'use strict';
// An HTTP server on a free port. Port 0 leaves the choice to the kernel, which knows what is free.

const http = require('http');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end(`Hello World from ${process.pid}\n`);
});
server.listen(0, '127.0.0.1', () => process.send({ listening: server.address().port }));
process.on('disconnect', () => process.exit(0));
