'use strict';
// Feeds each connection of the server that it gets to an HTTP server that does not listen itself.
// 收到的 server 每 accept 一条连接，就交给一个自己并不监听的 HTTP 服务器。

const http = require('http');

require('../help.js').worker('Gets a server, and answers each connection by HTTP, with its pid.',
  '收到 server，用 HTTP 回答每条连接，正文里有自己的 pid。');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ msg: 'Hello World', pid: process.pid }));
});
server.emit('listening');  // without it the time-outs for slow clients never start  否则针对慢客户端的超时不会启动

process.on('message', (message, tcp) => {
  if (message !== 'server') return;
  tcp.on('connection', (socket) => server.emit('connection', socket));
});
process.on('disconnect', () => process.exit(0));
