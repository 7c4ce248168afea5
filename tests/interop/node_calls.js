'use strict';
// Prints what this Node offers to whoever starts processes, talks to them or hands sockets to them: "object name", a line each.
const { ChildProcess, fork } = require('child_process');
const cluster = require('cluster');
const dgram = require('dgram');
const http = require('http');
const net = require('net');

const names = (object) => Object.getOwnPropertyNames(object).filter((name) => !name.startsWith('_') && name !== 'constructor');
const print = (object, members) => { for (const name of members) console.log(`${object} ${name}`); };

if (process.argv[2] === 'child') {
  process.send(names(process));
  process.disconnect();
} else {
  print('child_process', names(require('child_process')));
  print('ChildProcess', names(ChildProcess.prototype));
  print('cluster', names(cluster));
  print('Worker', names(cluster.Worker.prototype));
  // All of this module that opens or describes sockets.
  print('net', names(net));
  print('net.Server', names(net.Server.prototype));
  print('net.Socket', names(net.Socket.prototype));
  if (net.BoundSocket) print('net.BoundSocket', names(net.BoundSocket.prototype));
  print('dgram', names(dgram));
  print('dgram.Socket', names(dgram.Socket.prototype));
  print('http.Server', names(http.Server.prototype));
  const child = fork(__filename, ['child']);
  const events = new Set(Object.keys(new (require('events'))()).concat('domain'));
  print('ChildProcess', names(child).filter((name) => !events.has(name)));
  child.on('message', (ofChild) => {
    const here = new Set(names(process));
    print('process', ofChild.filter((name) => !here.has(name)));
  });
}
