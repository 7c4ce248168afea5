// Node's HTTP server for `fetching.cc`. Prints "port N" and serves until SIGTERM.
//   /length        a body whose length is said
//   /chunks        three pieces and a trailer
//   /nothing       204
//   /same          304
//   /refused       413 before the body was read, and the end of the connection
//   /last          an answer that says that the connection ends
//   /leaves        an answer that does not say so, and the end of the connection
//   /connections   how many there have been
//   others         the body back, piece by piece; how it came, and then how long it was
'use strict';
const http = require('http');

let connections = 0;

function echo(request, response) {
  const { headers } = request;
  let size = 0;
  response.setHeader('x-came', headers['transfer-encoding'] ?? headers['content-length'] ?? 'without a body');
  response.setHeader('x-expected', headers.expect ?? 'nothing');
  response.setHeader('trailer', 'x-bytes');
  request.on('data', (piece) => {
    size += piece.length;
    if (response.write(piece)) return;
    request.pause();
    response.once('drain', () => request.resume());
  });
  request.on('end', () => {
    response.addTrailers({ 'x-bytes': size });
    response.end();
  });
}

const paths = {
  '/length': (request, response) => response.setHeader('content-length', 5).end('hello'),
  '/chunks': (request, response) => {
    response.setHeader('trailer', 'x-sum');
    for (const piece of ['one ', 'two ', 'three']) response.write(piece);
    response.addTrailers({ 'x-sum': 'abc' });
    response.end();
  },
  '/nothing': (request, response) => response.writeHead(204).end(),
  '/same': (request, response) => response.writeHead(304, { etag: '"7"', 'content-length': 5 }).end(),
  '/refused': (request, response) => response.writeHead(413, { connection: 'close' }).end('too much'),
  '/last': (request, response) => response.setHeader('connection', 'close').end('goodbye'),
  '/leaves': (request, response) => response.end('goodbye', () => request.socket.end()),
  '/connections': (request, response) => response.end(String(connections)),
};

const server = http.createServer((request, response) => (paths[request.url] ?? echo)(request, response));
server.on('connection', () => { ++connections; });
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
