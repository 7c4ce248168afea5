'use strict';
// What examples/heavy.cc does, by Node: work on the CPU blocks the loop, GET /lag says for how long, and with
// --in-child the work is sent to a child, so that others are answered until it is done.
//
//     node examples/heavy/server.js --in-child --child build/release/bin/heavy

const { fork, spawn } = require('child_process');
const http = require('http');
const path = require('path');
const commandLine = require('../command_line.js');
const { burn } = require('./work.js');

const settings = commandLine.read('heavy', {
  port: { type: 'string', default: '8080' },
  'in-child': { type: 'boolean', default: false },
  child: { type: 'string', default: path.join(__dirname, 'child.js') },
});
const mostWaiting = 1000;
const restartWait = 100;
const waiting = new Map();
let child;
let last = 0;
let ending = false;

// --- the loop's lag: how much later than it was due a timer is called

const interval = 10;
let due = performance.now() + interval;
let longest = 0;
const look = () => { longest = Math.max(longest, performance.now() - due); };
setInterval(() => {
  look();
  due = performance.now() + interval;
}, interval).unref();
function takeLag() {
  look();
  const taken = longest;
  longest = 0;
  return Math.trunc(taken);
}

// --- the service

const refuse = (response) => {
  response.statusCode = 503;
  response.end('Service Unavailable\n');
};

// fork() runs Node scripts only; any other program joins the channel when `stdio` asks for one.
function startChild() {
  child = /\.[cm]?js$/.test(settings.child)
    ? fork(settings.child)
    : spawn(settings.child, [], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  console.log(`child ${child.pid}`);
  child.on('message', ({ id, primes }) => {
    waiting.get(id)?.end(`${primes} primes\n`);
    waiting.delete(id);
  });
  child.on('error', () => {});  // its channel may end in the middle of a send
  child.on('exit', () => {
    child = undefined;
    for (const response of waiting.values()) refuse(response);
    waiting.clear();
    // A child that cannot live must not be what this process is busy with.
    if (!ending) setTimeout(() => ending || startChild(), restartWait);
  });
}

function sendWork(ms, response) {
  if (!child?.connected || waiting.size >= mostWaiting) return refuse(response);
  const id = ++last;
  waiting.set(id, response);
  child.send({ id, ms });
  console.log('work is sent');
}

const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  if (request.url === '/lag') return response.end(`${takeLag()} ms\n`);
  const work = /^\/work\?ms=(\d+)/.exec(request.url);
  if (!work) return response.end('Hello World\n');
  const ms = Math.min(Number(work[1]), 60_000);
  if (settings['in-child']) return sendWork(ms, response);
  console.log('work begins');
  response.end(`${burn(ms)} primes\n`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    if (ending) process.exit(1);  // whoever asks twice is in a hurry
    ending = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 10_000).unref();
  });
}

if (settings['in-child']) startChild();
server.on('error', commandLine.fail('heavy'));
server.listen(Number(settings.port), '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
