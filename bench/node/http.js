'use strict';
// http.js PORT: the server of the notes.
const http = require('http');
const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`Hello World from ${process.pid}\n`);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
