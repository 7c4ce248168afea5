// `baton run` gives this to Node programs in a variable that NODE_OPTIONS=--require makes them evaluate, unless
// --no-preload. In a worker of its cluster it
//   - tells the primary how many connections are open and how late the event loop runs, and answers its pings;
//   - makes the http and https servers drain by the book when the primary says so, or says `disconnect`: every
//     answer says `Connection: close`, and a connection on which nobody speaks is closed only once it has been quiet
//     for `grace`. Node itself closes such connections at once, although a request may be on its way. HTTP/2
//     sessions get a GOAWAY;
//   - lets a program end that has nothing left to do, which Node keeps for the primary's messages;
//   - has the program's handlers of the stop signal run then, and tells the primary when they have.
// Until that message it changes nothing that a program can see. In any other process, and in threads, it does
// nothing at all.
'use strict';

// settings: {option: what stands in NODE_OPTIONS for this file, grace: milliseconds}
module.exports = function preload(settings) {
  try {
    begin(settings);
  } catch (error) {
    // A runtime that is not quite Node: better without us than not at all.
    process.stderr.write(`baton: the preload module does nothing here: ${error && error.message}\n`);
  }
};

function begin(settings) {
  restoreEnvironment(settings.option);
  // They go by the same names, and are not quite Node.
  if (process.versions.bun || process.versions.deno) return;
  // Threads have no channel; a process with one may be a child of somebody else's `fork`.
  // `node -e` of a shell's is none of the cluster's, whatever stands in its environment.
  if (!process.channel || !require('cluster').worker) return;

  endWithoutWork(process.channel, require('cluster'));
  // As they are now: programs replace them, test suites above all.
  const { setImmediate, setInterval, setTimeout } = require('timers');
  const now = performance.now.bind(performance);
  const send = process.send.bind(process);
  const nothing = () => {};
  const say = (message, done = nothing) => {
    if (process.connected) send(message, undefined, undefined, done);
  };

  reportLoad(say, now, setTimeout, setInterval);
  const drain = drainer(settings.grace, now, setImmediate, setInterval);
  const drainSessions = sessionDrainer(settings.grace, require('cluster'), setTimeout);
  // Before Node's own listener, which closes the servers.
  process.prependListener('internalMessage', (message) => {
    if (message.cmd === 'NODE_BATON_PING') say({ cmd: 'NODE_BATON_PONG', n: message.n });
    const last = message.cmd === 'NODE_CLUSTER' && message.act === 'disconnect';
    if (last || message.cmd === 'NODE_BATON_DRAIN') {
      drain();
      drainSessions();
    }
    if (message.cmd === 'NODE_BATON_DRAIN') {
      raise(message.signal, message.always, (signalled) => say({ cmd: 'NODE_BATON_DRAINS', signalled }));
    }
  });
}

// Sends this process the signal, if the program handles it or `always`; `done` comes after the handlers.
function raise(signal, always, done) {
  const handled = process.listenerCount(signal) > 0;
  if (!handled) done(always);
  // With this one, handlers that would end a process in which nobody else cares (signal-exit's) leave it alone.
  else process.once(signal, () => done(true));
  if (handled || always) process.kill(process.pid, signal);
}

// A worker of Node's cluster waits for messages for ever, although nobody has asked for them but the cluster. Under
// `baton run` a program that has nothing left to do ends as it does alone: a job, or what an entrypoint starts first.
function endWithoutWork(channel, cluster) {
  const getServer = cluster._getServer;
  for (const needed of [channel.refCounted, channel.unrefCounted, getServer]) {
    if (typeof needed !== 'function') return;
  }
  const events = ['message', 'disconnect'];
  for (const event of events) {
    for (let count = process.listenerCount(event); count > 0; --count) channel.unrefCounted();
  }
  // Those of the program count, wherever it listens.
  cluster.worker.on('newListener', (event) => {
    if (events.includes(event)) channel.refCounted();
  });
  cluster.worker.on('removeListener', (event) => {
    if (events.includes(event)) channel.unrefCounted();
  });
  // So does what it wants to listen to, from the question to the primary on until it is closed.
  cluster._getServer = function (server, options, done) {
    channel.refCounted();
    const release = () => channel.unrefCounted();
    return getServer.call(this, server, options, (error, ...rest) => {
      error ? release() : server.once('close', release);
      return done(error, ...rest);
    });
  };
}

// What this process starts is not ours.
function restoreEnvironment(option) {
  delete process.env.BATON_CHANNEL;
  delete process.env.BATON_PRELOAD;
  const value = process.env.NODE_OPTIONS;
  if (value === option) delete process.env.NODE_OPTIONS;
  else if (value !== undefined) process.env.NODE_OPTIONS = value.replace(' ' + option, () => '');
}

const leastPause = 20; // ms between two reports
const sample = 100; // ms between two looks at the loop
const samples = 5; // looks whose worst is the lag
const stall = 20; // ms of lag that are told at once

function reportLoad(say, now, setTimeout, setInterval) {
  let connections = 0;
  let lag = 0;
  let told = '';
  let toldAt = -Infinity;
  let waiting = false; // for the pause to end, or for the kernel to take the last report

  function report() {
    const news = connections + ' ' + lag;
    if (waiting || news === told) return;
    waiting = true;
    const pause = toldAt + leastPause - now();
    if (pause > 0) {
      setTimeout(again, pause).unref();
      return;
    }
    told = news;
    toldAt = now();
    say({ cmd: 'NODE_BATON_LOAD', connections, lag }, again);
  }
  function again() {
    waiting = false;
    report();
  }

  function closed() {
    --connections;
    report();
  }
  const accepted = require('diagnostics_channel').channel('net.server.socket');
  // Held by the listener below: a channel that nobody holds may be collected with its subscribers.
  accepted.subscribe(({ socket }) => {
    if (socket.destroyed) return;
    ++connections;
    socket.once('close', closed);
    report();
  });

  let expected = now() + sample;
  let worst = 0;
  let left = samples;
  setInterval(() => {
    void accepted;
    const late = Math.max(0, Math.round(now() - expected));
    expected = now() + sample;
    worst = Math.max(worst, late);
    if (--left > 0 && late < stall) return;
    lag = worst;
    worst = 0;
    left = samples;
    report();
  }, sample).unref();
  report();
}

// Returns what begins the drain.
function drainer(grace, now, setImmediate, setInterval) {
  const servers = new Set();
  const seen = new WeakMap(); // socket -> {bytes, since}
  const pause = Math.min(Math.max(grace / 20, 10), 250);

  // How many bytes went over a connection that nobody is using at the moment; else undefined.
  function idle(socket) {
    if (socket.destroyed || socket._httpMessage || socket.writableLength > 0) return undefined;
    return socket.bytesRead + socket.bytesWritten;
  }
  function look() {
    const time = now();
    const quiet = [];
    for (const server of servers) {
      for (const socket of connections(server)) {
        const bytes = idle(socket);
        const last = seen.get(socket);
        if (bytes === undefined || last === undefined || last.bytes !== bytes) {
          seen.set(socket, { bytes, since: time });
        } else if (time - last.since >= grace) {
          quiet.push(socket);
        }
      }
    }
    if (quiet.length > 0) setImmediate(close, quiet);
  }
  // After the loop has read what has come meanwhile.
  function close(quiet) {
    for (const socket of quiet) {
      if (idle(socket) === seen.get(socket).bytes) socket.destroySoon();
    }
  }
  function watch(server) {
    if (servers.size === 0) setInterval(look, pause).unref();
    servers.add(server);
    look();
  }

  let draining = false;
  return function drain() {
    if (draining) return;
    draining = true;
    const http = require('http');
    const https = process.versions.openssl ? require('https') : http;
    lastAnswers(http.ServerResponse.prototype);
    for (const { prototype } of new Set([http.Server, https.Server])) {
      // Node's `close` calls this, and so do programs that know what Node lacks.
      prototype.closeIdleConnections = function closeIdleConnections() {
        watch(this);
      };
      const close = prototype.close; // the one of Node 18 does not
      prototype.close = function (...args) {
        watch(this);
        return close.apply(this, args);
      };
    }
  };
}

// The same for HTTP/2. Older Nodes leave its sessions open, later ones refuse what is on its way. A GOAWAY that
// names no stream has the client ask elsewhere, and what it has sent is still answered.
function sessionDrainer(grace, cluster, setTimeout) {
  const { close } = require('net').Server.prototype;
  const everyStream = 2 ** 31 - 1;
  const servers = new Set();
  const sessions = new Set();
  let draining = false;
  function retire(session) {
    if (session.closed || session.destroyed) return;
    session.goaway(0, everyStream);
    setTimeout(() => session.close(), grace).unref();
  }
  const getServer = cluster._getServer;
  cluster._getServer = function (server, ...rest) {
    if (/^Http2/.test(server.constructor.name)) {
      servers.add(server);
      server.on('session', (session) => {
        sessions.add(session);
        session.once('close', () => sessions.delete(session));
        if (draining) retire(session);
      });
    }
    return getServer.call(this, server, ...rest);
  };
  return function drainSessions() {
    if (draining) return;
    draining = true;
    for (const server of servers) server.close = close;
    sessions.forEach(retire);
  };
}

// The sockets whose requests a server parses, also those on which none has come yet.
function connections(server) {
  const key = Object.getOwnPropertySymbols(server).find((each) => each.description === 'http.server.connections');
  const list = key && server[key];
  return list ? list.all().map((parser) => parser.socket).filter(Boolean) : [];
}

// From now on every answer is the last one of its connection and says so.
function lastAnswers(prototype) {
  const store = prototype._storeHeader;
  prototype._storeHeader = function (firstLine, headers) {
    if (this.statusCode === 101) return store.call(this, firstLine, headers);
    this.shouldKeepAlive = false;
    this._removedConnection = false;
    if (this.hasHeader('connection')) this.setHeader('Connection', 'close');
    // With no header set one by one, `headers` is what was given to writeHead.
    return store.call(this, firstLine, this.getHeaderNames().length > 0 ? headers : otherHeaders(headers));
  };
}

function otherHeaders(headers) {
  const other = (name) => String(name).toLowerCase() !== 'connection';
  if (!headers) return headers;
  if (!Array.isArray(headers)) return Object.fromEntries(Object.entries(headers).filter(([name]) => other(name)));
  if (Array.isArray(headers[0])) return headers.filter(([name]) => other(name));
  return headers.filter((_, index) => other(headers[index - (index % 2)]));
}
