// `baton run --primary FILE` gives this to the program FILE, which runs beside the workers: as they are baton's, and
// speak with baton, it makes them the workers of this program's `cluster`, as far as messages and events go.
// cluster.workers, 'fork', 'online', 'listening', 'message', 'disconnect' and 'exit' are as in Node's primary,
// worker.send() and worker.kill() too; worker.disconnect() has baton replace the worker. Who starts workers, and how
// many, baton says.
'use strict';

const EventEmitter = require('events');
const cluster = require('cluster');

const mostWaiting = 10_000; // events before anybody listens

// settings: {option: what stands in Node's arguments for this file}
module.exports = function primary(settings) {
  delete process.env.BATON_PRELOAD;
  const at = process.execArgv.indexOf(settings.option);
  if (at >= 0) process.execArgv.splice(at, 1);
  const send = process.send.bind(process);
  // To itself it is nobody's child.
  delete process.send;
  // As in Node it lives as long as its workers, which is as long as baton says.
  process.channel.ref();

  for (const name of ['fork', 'disconnect']) {
    cluster[name] = () => {
      throw new Error(`cluster.${name}: under baton run --primary workers are started and ended by baton`);
    };
  }
  const say = sayer();
  const tell = (message, done) => send(message, undefined, undefined, done);
  process.on('internalMessage', (news) => {
    if (news.cmd !== 'NODE_BATON_WORKER') return;
    if (news.event === 'end') setImmediate(tell, { cmd: 'NODE_BATON_HEARD' }, () => {});
    else if (news.event === 'fork') meet(news, tell, say);
    else hear(cluster.workers[news.id], news, say);
  });
};

// What calls listeners: a program that is a module begins after the first events have come, and they wait for it.
function sayer() {
  let waiting = [];
  const listened = () => setImmediate(release);
  const emitters = [cluster];
  cluster.once('newListener', listened);

  function release() {
    const all = waiting || [];
    waiting = undefined;
    for (const emitter of emitters.splice(0)) emitter.removeListener('newListener', listened);
    for (const emit of all) emit();
  }
  return function say(emit, worker) {
    if (!waiting) return emit();
    if (worker && !emitters.includes(worker)) {
      emitters.push(worker);
      worker.once('newListener', listened);
    }
    waiting.push(emit);
    if (waiting.length > mostWaiting) waiting.shift();
  };
}

// What Node has a ChildProcess for.
class WorkerProcess extends EventEmitter {
  constructor(id, pid, tell) {
    super();
    Object.assign(this, { pid, connected: true, exitCode: null, signalCode: null, killed: false });
    this.send = (message, ...rest) => {
      const done = rest.find((each) => typeof each === 'function') || ((error) => error && this.emit('error', error));
      if (message === undefined) throw new TypeError('worker.send: there is no message');
      if (rest[0] && typeof rest[0] !== 'function') {
        throw new TypeError('worker.send: the program of --primary has no handles to send');
      }
      if (this.connected) return tell({ cmd: 'NODE_BATON_SEND', id, message }, done);
      const error = Object.assign(new Error('Channel closed'), { code: 'ERR_IPC_CHANNEL_CLOSED' });
      process.nextTick(done, error);
      return false;
    };
  }
  kill(signal = 'SIGTERM') {
    if (this.exitCode !== null || this.signalCode !== null) return false;
    this.killed = process.kill(this.pid, signal);
    return this.killed;
  }
}

function meet({ id, pid }, tell, say) {
  const child = new WorkerProcess(id, pid, tell);
  const worker = new cluster.Worker({ id, process: child });
  worker.disconnect = function disconnect() {
    tell({ cmd: 'NODE_BATON_REPLACE', id }, () => {});
    return this;
  };
  worker.destroy = worker.kill = (signal) => child.kill(signal);
  cluster.workers[id] = worker;
  say(() => cluster.emit('fork', worker), worker);
}

function hear(worker, news, say) {
  if (!worker) return;
  const child = worker.process;
  const both = (event, ...details) =>
    say(() => {
      worker.emit(event, ...details);
      cluster.emit(event, worker, ...details);
    });
  if (news.event === 'message') {
    say(() => {
      child.emit('message', news.message, undefined); // and so the worker
      cluster.emit('message', worker, news.message, undefined);
    });
  } else if (news.event === 'online') {
    worker.state = 'online';
    both('online');
  } else if (news.event === 'listening') {
    worker.state = 'listening';
    both('listening', news.address);
  } else if (news.event === 'disconnect') {
    child.connected = false;
    worker.state = 'disconnected';
    both('disconnect');
  } else if (news.event === 'exit') {
    delete cluster.workers[worker.id];
    child.connected = false;
    child.exitCode = news.code;
    child.signalCode = news.signal;
    worker.state = 'dead';
    worker.exitedAfterDisconnect = news.exitedAfterDisconnect;
    say(() => child.emit('exit', news.code, news.signal));
    both('exit', news.code, news.signal);
  }
}
