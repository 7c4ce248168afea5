'use strict';
// What the primaries of these examples have in common. Each is started as
// 这些示例的主进程共用的部分。主进程这样启动：
//
//     node primary.js [WORKER [PORT [COUNT]]]
//
// WORKER is what it forks: a script for Node or an executable; by default worker.js beside it.
// WORKER 是它要 fork 的程序：Node 脚本或可执行文件；默认是旁边的 worker.js。

const { fork, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const help = require('./help.js');

const [module_, port, count] = process.argv.slice(2);
const children = new Set();
let ending = false;

function number(name, text, least, most) {
  if (/^\d+$/.test(text) && text >= least && text <= most) return Number(text);
  return help.fail(`${name}: ${text} is no number from ${least} to ${most}`);
}

// What a primary says of itself with --help, and what it takes: `port` is where it listens unless it is told, and
// `many` whether it starts as many workers as it is told.
exports.about = (does, zh, { worker = 'worker.js', port: otherwise, many = false } = {}) => {
  help.program(' [WORKER [PORT [COUNT]]]', does, zh, '',
    `WORKER  what it forks: a program, or a script for Node (.js); by default ${worker} beside it`,
    `        要 fork 的程序，或 Node 脚本（.js）；默认是旁边的 ${worker}`,
    ...(otherwise === undefined ? ['PORT    of no use here  这里用不到'] : [
      `PORT    where it listens, by default ${otherwise}; 0: any free port`,
      `        监听的端口，默认 ${otherwise}；0 表示任意空闲端口`]),
    ...(!many ? ['COUNT   of no use here  这里用不到'] : [
      'COUNT   how many workers, by default one a core',
      '        工作进程的数量，默认每核一个']),
    '', 'SIGTERM, Ctrl-C: the workers end too.  工作进程随之结束。');
  if (module_ !== undefined && !fs.existsSync(module_)) help.fail(`WORKER: there is no file ${module_}`);
  exports.port = number('PORT', port ?? String(otherwise ?? 0), 0, 65535);
  exports.count = number('COUNT', count ?? String(cores()), 1, 1024);
};
const cores = () => (os.availableParallelism ? os.availableParallelism() : os.cpus().length);

// The worker to fork, beside the primary unless it was told another.
exports.worker = (beside) => path.resolve(module_ ?? path.join(path.dirname(process.argv[1]), beside));

// fork() runs Node scripts only; any other program joins the channel when `stdio` asks for one.
// fork() 只能运行 Node 脚本；其他程序要用 spawn，并在 `stdio` 里要一条通道。
exports.fork = (beside, args = []) => {
  const worker = exports.worker(beside);
  const child = /\.[cm]?js$/.test(worker)
    ? fork(worker, args)
    : spawn(worker, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
};

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
