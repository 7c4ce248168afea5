'use strict';
// One worker a core, each with an HTTP server on a port of its own. The channel is how the primary learns which.
// 每个核一个工作进程，各自监听自己的端口，提供 HTTP。主进程从通道得知是哪个端口。

const notes = require('../notes.js');

notes.about('Starts a worker a core, and prints the port that each has found.',
  '每个核启动一个工作进程，并打印各自得到的端口。', { many: true });

for (let i = 0; i < notes.count; ++i) {
  const worker = notes.fork('worker.js');
  worker.on('message', ({ listening }) => {
    console.log(`worker ${worker.pid} listening on port ${listening}`);
  });
}
