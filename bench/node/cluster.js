'use strict';
// cluster.js PORT WORKERS: the server of the notes on Node's own cluster, in turn; a worker that dies is forked again.
const cluster = require('cluster');
const http = require('http');

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.on('exit', () => cluster.fork());
  for (let left = Number(process.argv[3]); left > 0; --left) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  http
    .createServer((request, response) => {
      response.setHeader('Content-Type', 'text/plain');
      response.end(`${process.pid}\n`);
    })
    .listen(Number(process.argv[2]), '127.0.0.1');
}
