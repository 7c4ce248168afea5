'use strict';
// parent.js pingpong|oneway|texts|sockets[-advanced] COUNT CPU MODULE FOLDER: the twin of parent.cc; FOLDER is where
// `pin` and `hold` are.
const {fork, spawn} = require('child_process');
const net = require('net');
const path = require('path');

const [modeText, countText, cpu, module_, folder] = process.argv.slice(2);
const count = Number(countText);
const [mode, serialization = 'json'] = modeText.split('-');
const message = mode === 'texts' ? 'x'.repeat(65536) : {hello: 'world', n: 123};

const behaviour = mode === 'pingpong' ? 'echo' : 'sink';
const execArgv = module_.endsWith('.js') ? [cpu, process.execPath] : [cpu];
const child = fork(module_, [behaviour, countText], {execPath: path.join(folder, 'pin'), execArgv, serialization});

const nextMessage = () => new Promise((resolve) => child.once('message', resolve));

let lastCpu = 0;
async function cpuOfBoth() {
  const answer = nextMessage();
  child.send('cpu');
  const theirs = await answer;
  const ours = process.cpuUsage();
  const total = theirs + ours.user + ours.system;
  const used = total - lastCpu;
  lastCpu = total;
  return used;
}

function pingpong(n) {
  return new Promise((resolve) => {
    let left = n;
    const listener = (answer) => {
      if (--left === 0) {
        child.off('message', listener);
        resolve();
      } else {
        child.send(answer);
      }
    };
    child.on('message', listener);
    child.send(message);
  });
}

// Node has no 'drain' here. Two pieces are always on the way: when one is in the kernel the next is sent.
function oneway() {
  const done = nextMessage();
  let left = count;
  const sendPiece = () => {
    const size = Math.min(left, mode === 'texts' ? 20 : 1000);
    left -= size;
    for (let i = 1; i < size; ++i) child.send(message);
    if (size > 0) child.send(message, sendPiece);
  };
  sendPiece();
  sendPiece();
  return done;
}

function connections() {
  return new Promise((resolve) => {
    const sockets = [];
    const server = net.createServer({pauseOnConnect: true}, (socket) => {
      sockets.push(socket);
      if (sockets.length === count) resolve({sockets, server, holder});
    });
    let holder;
    server.listen({port: 0, host: '127.0.0.1', backlog: 4096}, () => {
      const args = [String(server.address().port), countText];
      holder = spawn(path.join(folder, 'hold'), args, {stdio: ['pipe', 'inherit', 'inherit']});
    });
  });
}

async function main() {
  await nextMessage();
  let made;
  if (mode === 'sockets') made = await connections();
  else if (mode === 'pingpong') await pingpong(count / 10);
  else await oneway();
  await cpuOfBoth();
  const start = process.hrtime.bigint();
  if (mode === 'sockets') {
    const done = nextMessage();
    for (const socket of made.sockets) child.send('s', socket);
    await done;
  } else if (mode === 'pingpong') {
    await pingpong(count);
  } else {
    await oneway();
  }
  const wall = Number(process.hrtime.bigint() - start) / 1e3;
  const used = await cpuOfBoth();
  console.log(JSON.stringify({wall_us: wall / count, cpu_us: used / count, per_second: count / wall * 1e6}));
  if (made) {
    made.server.close();
    made.holder.stdin.end();
  }
  child.disconnect();
}

main();
