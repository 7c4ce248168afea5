'use strict';
// What the primary of examples/proxy.cc does, by Node: many workers behind one proxy, each with a port of its own
// that it tells over the channel; every byte is carried. With --hand-over the connection itself is given away.
//
//     node examples/proxy/primary.js --port 8080 --port 8081 --workers 2 --worker build/release/bin/proxy

const { fork, spawn } = require('child_process');
const net = require('net');
const os = require('os');
const path = require('path');
const commandLine = require('../command_line.js');

const settings = commandLine.read('proxy', {
  port: { type: 'string', multiple: true, default: ['8080'] },
  workers: { type: 'string', default: String(os.availableParallelism()) },
  worker: { type: 'string', default: path.join(__dirname, 'worker.js') },
  'hand-over': { type: 'boolean', default: false },
});
const patience = 10_000;
const wanted = Number(settings.workers);
const children = new Set();
const fronts = [];
const waiting = [];  // clients that no worker could be found for
let ready = [];
let turn = 0;
let connecting = 0;
let ending = false;

// --- the workers

// fork() runs Node scripts only; any other program joins the channel when `stdio` asks for one.
function startWorker() {
  const args = process.argv.slice(2);
  const child = /\.[cm]?js$/.test(settings.worker)
    ? fork(settings.worker, args)
    : spawn(settings.worker, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  let worker;
  children.add(child);
  child.on('message', ({ port }) => {
    worker = { child, port };
    ready.push(worker);
    console.log(`worker ${child.pid} on port ${port}`);
    if (ready.length === wanted) open();
    for (const client of waiting.splice(0)) serve(client);
    letWorkersGo();
  });
  child.on('error', () => {});  // its channel may end in the middle of a send
  child.on('exit', () => {
    children.delete(child);
    ready = ready.filter((other) => other !== worker);
    if (ending) return;
    console.error('proxy: a worker ended');
    // One that cannot even begin would be replaced for ever.
    if (!worker) process.exit(1);
    startWorker();
  });
}

// --- the clients

// Paused, so that no byte is read before there is somebody to take it. One server for each port, and the same
// callback behind all of them.
function open() {
  if (fronts.length > 0 || ending) return;
  for (const port of settings.port) {
    const front = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => serve(client));
    front.on('error', commandLine.fail('proxy'));
    front.listen(Number(port), '127.0.0.1', () => console.log(`listening on port ${front.address().port}`));
    fronts.push(front);
  }
}

// To the workers in turn. Nothing was read from the client yet, so another may try: one that refuses is just
// ending. When all do, the client waits for the next.
function serve(client, tries = ready.length) {
  if (tries === 0 || ready.length === 0) return waiting.push(client);
  const { child, port } = ready[turn++ % ready.length];
  if (settings['hand-over']) return child.send('connection', client);
  ++connecting;
  const worker = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const failed = ({ code }) => {
    --connecting;
    if (code === 'ECONNREFUSED') serve(client, tries - 1);
    else client.resetAndDestroy();
    letWorkersGo();
  };
  worker.once('error', failed);
  worker.once('connect', () => {
    --connecting;
    worker.off('error', failed);
    carry(client, worker);
    letWorkersGo();
  });
}

// Every byte, both ways; who sends waits while the other does not read. An end is carried too, be it a bad one.
function carry(client, worker) {
  for (const [from, to] of [[client, worker], [worker, client]]) {
    from.on('error', () => to.resetAndDestroy());
    from.pipe(to);
  }
}

// --- the end

// A worker closes its own port then, so every connection to it must stand before.
function letWorkersGo() {
  if (!ending || connecting > 0) return;
  for (const { child } of ready.splice(0)) child.send('drain');
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    if (ending) process.exit(1);  // whoever asks twice is in a hurry
    ending = true;
    for (const front of fronts) front.close();
    // Without a worker there is nobody to answer them.
    if (ready.length === 0) for (const client of waiting.splice(0)) client.resetAndDestroy();
    letWorkersGo();
    // A client that was told everything may still not close its connection.
    setTimeout(() => process.exit(0), patience).unref();
  });
}

for (let i = 0; i < wanted; ++i) startWorker();
