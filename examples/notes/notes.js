'use strict';
// What the primaries of these examples have in common. Each is started as
//
//     node primary.js [WORKER [PORT [COUNT]]]
//
// WORKER is what it forks: a script for Node or an executable; by default worker.js beside it.

const { fork, spawn } = require('child_process');
const os = require('os');
const path = require('path');

const [module_, port, count] = process.argv.slice(2);
const children = new Set();
let ending = false;

// fork() runs Node scripts only; any other program joins the channel when `stdio` asks for one.
exports.fork = (beside, args = []) => {
  const worker = module_ || path.join(path.dirname(process.argv[1]), beside);
  const child = /\.[cm]?js$/.test(worker)
    ? fork(worker, args)
    : spawn(worker, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
};

exports.port = (otherwise) => Number(port ?? otherwise);
exports.count = Number(count ?? (os.availableParallelism ? os.availableParallelism() : os.cpus().length));
exports.ending = () => ending;

// SIGTERM or Ctrl-C: first the workers end, then this process.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    ending = true;
    for (const child of children) {
      child.on('exit', () => children.size === 0 && process.exit(0));
      child.kill();
    }
    if (children.size === 0) process.exit(0);
  });
}
