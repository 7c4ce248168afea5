'use strict';
// The primary sends its server to a worker and goes on using it: now either of them may answer a client.
// 主进程把 server 发给工作进程，自己也继续用：客户端的请求由谁回答都有可能。

const net = require('net');
const notes = require('../notes.js');

notes.about('Sends its server to a worker and answers clients too.',
  '把 server 发给工作进程，自己也回答客户端。', { worker: '../tcp/worker.js', port: 1234 });

const server = net.createServer((socket) => socket.end(`parent, pid ${process.pid}\n`));
server.listen(notes.port, '127.0.0.1', () => {
  const worker = notes.fork('../tcp/worker.js');
  worker.send('server', server);
  console.log(`listening on port ${server.address().port}`);
  console.log(`worker ${worker.pid}`);
});
