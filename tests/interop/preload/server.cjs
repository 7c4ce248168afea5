// What the tests' clients ask for. Each answer ends with END.
'use strict';

const childProcess = require('child_process');
const cluster = require('cluster');
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const { Worker } = require('worker_threads');

const mine = { Connection: 'keep-alive', 'X-Own': 'kept', 'Content-Length': 3 };
const show = 'process.env.NODE_OPTIONS ?? null';

const answers = {
  '/': (response) => response.end('END'),
  '/when_told': (response) => process.once('message', () => response.end('END')),
  '/begun': (response) => {
    response.writeHead(200);
    response.write('begun');
    cluster.worker.once('disconnect', () => {});
    process.once('message', () => response.end('END'));
  },
  '/set': (response) => {
    for (const [name, value] of Object.entries(mine)) response.setHeader(name, value);
    response.end('END');
  },
  '/object': (response) => response.writeHead(200, mine).end('END'),
  '/list': (response) => response.writeHead(200, Object.entries(mine).flat()).end('END'),
  '/pairs': (response) => response.writeHead(200, Object.entries(mine)).end('END'),
  '/removed': (response) => {
    response.setHeader('X-Own', 'kept');
    response.removeHeader('Connection');
    response.end('END');
  },
  '/options': (response) => {
    const child = childProcess.spawnSync(process.execPath, ['-p', `JSON.stringify(${show})`]);
    const thread = new Worker(`require('worker_threads').parentPort.postMessage(${show})`, { eval: true });
    thread.once('message', (value) => {
      response.end(`${JSON.stringify(process.env.NODE_OPTIONS ?? null)} ${String(child.stdout).trim()} ${JSON.stringify(value)}END`);
    });
  },
  '/block': (response, query) => {
    const until = performance.now() + Number(query.get('ms'));
    while (performance.now() < until);
    response.end('END');
  },
};

function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  answers[pathname](response, searchParams);
}

const pem = (name) => fs.readFileSync(path.join(__dirname, `${name}.pem`));
const server = process.env.HTTP2
  ? require('http2').createServer(answer)
  : process.env.SECURE
  ? https.createServer({ key: pem('key'), cert: pem('cert') }, answer)
  : http.createServer(answer);
server.keepAliveTimeout = 60000;
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nEND');
  socket.pipe(socket);
});
if (process.env.CLOSES) {
  process.on('internalMessage', (message) => {
    if (message.act !== 'disconnect') return;
    server.close();
    server.closeIdleConnections();
  });
}
server.listen(0, '127.0.0.1');
