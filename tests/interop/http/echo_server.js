// An HTTP server that shows what an answer can be made of; `echo_server.cc` beside it is the same for Baton. Prints
// "port N" and serves until SIGTERM.
//   /chunks    three pieces
//   /nothing   204
//   others     the body back, piece by piece, then its trailers and how long it was
// Whoever expects `100 Continue` gets it, but for /refused; "tea" can be upgraded to, and echoes.
'use strict';
const http = require('http');

function answer(request, response) {
  response.setHeader('x-port', request.socket.remotePort);
  if (request.url === '/chunks') {
    for (const piece of ['one ', 'two ', 'three']) response.write(piece);
    response.end();
  } else if (request.url === '/nothing') {
    response.writeHead(204).end();
  } else {
    let size = 0;
    response.setHeader('trailer', 'x-bytes');
    request.on('data', (piece) => {
      size += piece.length;
      if (response.write(piece)) return;
      request.pause();
      response.once('drain', () => request.resume());
    });
    request.on('end', () => {
      response.addTrailers({ ...request.trailers, 'x-bytes': size });
      response.end();
    });
  }
}

const server = http.createServer(answer);
server.on('checkContinue', (request, response) => {
  if (request.url === '/refused') {
    response.writeHead(401).end('who are you?');
  } else {
    response.writeContinue();
    answer(request, response);
  }
});
server.on('upgrade', (request, socket, head) => {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`);
  socket.write(head);
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
