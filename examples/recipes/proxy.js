// A reverse proxy on port 7003: node proxy.js http://HOST:PORT... gives each request to the next of these.
'use strict';
const http = require('node:http');
const { pipeline } = require('node:stream');

// Headers of one connection only.
const ofOneHop = ['connection', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

function goOn(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofOneHop.includes(name)));
}

const agent = new http.Agent({ keepAlive: true });
const upstreams = process.argv.length > 2 ? process.argv.slice(2) : ['http://localhost:8080'];
let turn = 0;

function passOn(request, response) {
  const upstream = upstreams[turn++ % upstreams.length];
  const { method, url } = request;
  const question = http.request(upstream, { agent, method, path: url, headers: goOn(request.headers) });
  question.on('response', (reply) => {
    response.writeHead(reply.statusCode, goOn(reply.headers));
    pipeline(reply, response, () => {});
  });
  question.on('error', (error) => {
    if (response.headersSent) return response.destroy();
    response.writeHead(502, { 'content-type': 'text/plain' }).end(error.message);
  });
  request.pipe(question);
  response.on('close', () => question.destroy());
}

http.createServer(passOn).listen(7003);
