// A chat over TCP: four workers behind port 7000. What a client says in a line, all clients of all workers read.
'use strict';
const cluster = require('node:cluster');
const net = require('node:net');

function primary() {
  cluster.on('message', (from, line) => {
    for (const worker of Object.values(cluster.workers)) worker.send(line);
  });
  for (let i = 0; i < 4; ++i) cluster.fork();
}

function worker() {
  const clients = new Set();
  process.on('message', (line) => {
    for (const client of clients) client.write(line);
  });
  const server = net.createServer((client) => {
    clients.add(client);
    let text = '';
    client.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      const end = text.lastIndexOf('\n') + 1;
      if (end > 0) process.send(text.slice(0, end));
      text = text.slice(end);
    });
    client.on('error', () => {}); // 'close' comes next
    client.on('close', () => clients.delete(client));
  });
  server.listen(7000);
}

cluster.isPrimary ? primary() : worker();
