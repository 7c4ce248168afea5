'use strict';
// Gets a server that listens already, and answers each connection with its process id.
// 收到一个已经在监听的 server，用自己的 pid 回答每条连接。

require('../help.js').worker('Gets a server, and answers each connection with its pid.',
  '收到 server，用自己的 pid 回答每条连接。');

process.on('message', (message, server) => {
  if (message !== 'server') return;
  server.on('connection', (socket) => socket.end(`child, pid ${process.pid}\n`));
});
process.on('disconnect', () => process.exit(0));
