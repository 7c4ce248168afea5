'use strict';
// Serves the connections that it is given. An exception that nobody catches ends up in 'uncaughtException':
// nobody knows what it left half done, so the worker says what it was and ends.
// 为交给它的连接服务。没人捕获的异常最后到达 'uncaughtException'：
// 没有人知道哪些事只做了一半，所以它说明原因然后退出。

const http = require('http');

require('../help.js').worker('Serves connections; at an exception it says which, and ends.',
  '为交给它的连接服务；遇到没人捕获的异常时说明原因并退出。');

const server = http.createServer((request, response) => {
  if (request.url === '/throw') throw new Error('asked to');
  response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' });
  response.end(`served by ${process.pid}\n`);
});
server.emit('listening');  // without it the time-outs for slow clients never start  否则针对慢客户端的超时不会启动

process.on('uncaughtException', (error) => {
  process.send({ uncaught: error.message }, () => process.exit(1));
});
process.on('message', (message, socket) => {
  if (message === 'connection' && socket) server.emit('connection', socket);
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
