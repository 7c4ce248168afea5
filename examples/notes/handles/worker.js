'use strict';
// Looks at what came with each message, and answers clients with the kind of handle that brought them here.
// 看每条消息带来了什么句柄；有客户端来，就回答是哪一种句柄把它带到这里的。

const dgram = require('dgram');
const net = require('net');

require('../help.js').worker('Answers clients with the kind of handle that brought them here.',
  '回答客户端：是哪一种句柄把它带到这里的。');

const answer = (kind) => `${kind} in ${process.pid}\n`;
const listener = (kind) => (socket) => socket.end(answer(kind));
const serveUdp = (socket, kind) => {
  socket.on('message', (bytes, { port, address }) => socket.send(answer(kind), port, address));
};

process.on('message', (message, handle) => {
  if (handle instanceof net.Server) {
    handle.on('connection', listener('net.Server'));
  } else if (handle instanceof net.Socket) {
    listener('net.Socket')(handle);
  } else if (handle instanceof dgram.Socket) {
    serveUdp(handle, 'dgram.Socket');
  } else if (net.BoundSocket && handle instanceof net.BoundSocket) {
    net.createServer(listener('net.BoundSocket')).listen(handle);
  } else if (handle && handle.constructor.name === 'UDP') {
    const socket = dgram.createSocket('udp4');
    socket.bind(handle);
    serveUdp(socket, 'dgram.Native');
  } else if (handle) {
    net.createServer(listener('net.Native')).listen(handle);
  }
});
process.on('disconnect', () => process.exit(0));
// Node can receive a bound socket from 26 on; it may have the class before.
process.send({ knows_bound_sockets: Number.parseInt(process.versions.node, 10) >= 26 });
