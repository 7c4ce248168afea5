'use strict';
// Many processes, one port: the primary listens, sends the server to each worker, and closes its own.
// 多个进程，一个端口：主进程监听，把 server 发给每个工作进程，然后关闭自己的那一份。
// The answer is plain text and no HTTP: `curl localhost:1234` refuses it.
// 回答是纯文本，不是 HTTP：`curl localhost:1234` 会拒收。
//
//     nc localhost 1234          curl telnet://localhost:1234 </dev/null

const net = require('net');
const notes = require('../notes.js');

notes.about('Listens, sends the server to each worker, and closes its own.',
  '监听，把 server 发给每个工作进程，再关闭自己的。', { port: 1234, many: true });

const server = net.createServer();
server.listen(notes.port, '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
  for (let i = 0; i < notes.count; ++i) {
    const worker = notes.fork('worker.js');
    worker.send('server', server);
    console.log(`worker ${worker.pid}`);
  }
  server.close();  // those of the workers serve on  工作进程手里的照常服务
});
