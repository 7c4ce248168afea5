'use strict';
// An HTTP server on a free port. Port 0 leaves the choice to the kernel, which knows what is free.
// 在空闲端口上提供 HTTP。端口写 0 就是让内核来选：只有它知道哪些端口空着。

const http = require('http');

require('../help.js').worker('Serves HTTP on a free port, and tells the primary which.',
  '在空闲端口上提供 HTTP，并告诉主进程是哪个端口。');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end(`Hello World from ${process.pid}\n`);
});
server.listen(0, '127.0.0.1', () => process.send({ listening: server.address().port }));
process.on('disconnect', () => process.exit(0));
