'use strict';
// The same as with TCP: what a worker does with the connections is not the primary's business.
// 与 TCP 的主进程一样：工作进程拿连接做什么，主进程不必知道。
//
//     curl localhost:8080

const net = require('net');
const notes = require('../notes.js');

notes.about('Listens, sends the server to each worker, and closes its own.',
  '监听，把 server 发给每个工作进程，再关闭自己的。', { port: 8080, many: true });

const server = net.createServer();
server.listen(notes.port, '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
  for (let i = 0; i < notes.count; ++i) {
    const worker = notes.fork('worker.js');
    worker.send('server', server);
    console.log(`worker ${worker.pid}`);
  }
  // Left open, it would accept connections too, and nobody would ever answer those.
  // 若不关闭，它也会 accept，而这些连接永远没有人回答。
  server.close();
});
