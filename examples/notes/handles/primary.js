'use strict';
// What can be sent beside a message: servers, connections and UDP sockets, each also as a bare socket without an
// object around it, and a socket that has an address and does not listen yet.
// 随消息可以发送的句柄：server、连接、UDP 套接字，各自也可以是外面没有对象的裸套接字，
// 还有已经绑定地址、但尚未监听的套接字。

const dgram = require('dgram');
const net = require('net');
const notes = require('../notes.js');

notes.about('Sends a worker one handle of each kind, and says on which port each is.',
  '把每一种句柄各发一个给工作进程，并说明各自的端口。');

const worker = notes.fork('worker.js');

const tell = (kind, { port }) => console.log(`${kind} on port ${port}`);
const listen = (server, then) => server.listen(0, '127.0.0.1', () => then(server));
const bindUdp = (then) => {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1', () => then(socket));
};

// A server of Node that listens also accepts, and a UDP socket that is bound receives: so this process closes its
// own, not before it has left (it may wait for others to be acknowledged), and tells nobody the port until then.
function give(kind, owner, handle = owner) {
  const address = owner.address();
  worker.send(kind, handle, () => owner.close(() => tell(kind, address)));
}

// Node shows the sockets of its C++ side only under names like these.
const bareServer = (server) => server._handle;
const bareUdp = (socket) => {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return socket[state].handle;
};

// A bound socket can be sent by, and to, Node 26 and later. Others may have the class, and die of it.
const sendsBoundSockets = Number.parseInt(process.versions.node, 10) >= 26;
worker.once('message', ({ knows_bound_sockets: knowsBoundSockets }) => {
  listen(net.createServer(), (server) => give('net.Server', server));
  listen(net.createServer(), (server) => give('net.Native', server, bareServer(server)));
  bindUdp((socket) => give('dgram.Socket', socket));
  bindUdp((socket) => give('dgram.Native', socket, bareUdp(socket)));
  if (sendsBoundSockets && knowsBoundSockets) {
    const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
    tell('net.BoundSocket', bound.address());
    worker.send('net.BoundSocket', bound);
  }
  // This one stays here, and each connection that it accepts moves to the worker. Paused, so that no byte is
  // read here.
  // 这个 server 留在本进程，接受的每条连接转给工作进程。先暂停，这样本进程一个字节也不会读走。
  listen(net.createServer({ pauseOnConnect: true }), (server) => {
    server.on('connection', (socket) => worker.send('net.Socket', socket));
    tell('net.Socket', server.address());
  });
});
