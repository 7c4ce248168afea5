// An HTTP server that reads each request to its end and says what it read; `server.cc` beside it is the same for
// Baton. Prints "port N" and serves until SIGTERM.
'use strict';
const server = require('http').createServer((request, response) => {
  let size = 0;
  request.on('data', (piece) => { size += piece.length; });
  request.on('end', () => response.end(`${request.method} ${request.url} ${size}\n`));
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
