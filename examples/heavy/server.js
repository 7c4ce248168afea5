'use strict';
// What examples/heavy.cc does, by Node: work on the CPU blocks the loop, GET /lag says for how long, and with
// --in-child the work is given to a child, so that others are answered until it is done.
//
//     node examples/heavy/server.js --in-child --child build/release/bin/heavy

const { fork, spawn } = require('child_process');
const http = require('http');
const path = require('path');
const commandLine = require('../command_line.js');
const requests = require('../channel/requests.js');
const { burn } = require('./work.js');

const settings = commandLine.read('heavy', {
  port: { type: 'string', default: '8080' },
  'in-child': { type: 'boolean', default: false },
  child: { type: 'string', default: path.join(__dirname, 'child.js') },
});
const mostWaiting = 1000;
const restartWait = 100;
let waiting = 0;
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

let child; // a promise of who works

// fork() runs Node scripts only; any other program joins the channel when `stdio` asks for one.
function startChild(ready) {
  const worker = /\.[cm]?js$/.test(settings.child)
    ? fork(settings.child)
    : spawn(settings.child, [], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  worker.on('error', () => {});  // its channel may end in the middle of a send
  worker.on('disconnect', () => {
    // A child that cannot live must not be what this process is busy with.
    child = new Promise((again) => setTimeout(() => ending || startChild(again), restartWait));
  });
  ready(worker);
}

// Work whose child dies is given to another, once.
async function sendWork(ms) {
  if (waiting >= mostWaiting) throw new Error('job: queue full');
  ++waiting;
  try {
    for (let tries = 1; ; ++tries) {
      try {
        const answer = requests.request(await child, { ms });
        console.log('work is sent');
        return (await answer).primes;
      } catch (error) {
        if (tries === 2) throw error;
      }
    }
  } finally {
    --waiting;
  }
}

const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  if (request.url === '/lag') return response.end(`${takeLag()} ms\n`);
  const work = /^\/work\?ms=(\d+)/.exec(request.url);
  if (!work) return response.end('Hello World\n');
  const ms = Math.min(Number(work[1]), 60_000);
  if (settings['in-child']) {
    return sendWork(ms).then((primes) => response.end(`${primes} primes\n`), (error) => {
      response.statusCode = 503;
      response.end(`${error.message}\n`);
    });
  }
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

if (settings['in-child']) child = new Promise(startChild);
server.on('error', commandLine.fail('heavy'));
server.listen(Number(settings.port), '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
