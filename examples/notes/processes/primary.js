'use strict';
// The four ways to start a process: `spawn` with streams, `exec` with a command for the shell, `execFile` with a
// program, `fork` with a channel. The program may be a script, if it may be executed and begins with `#!`.
// 启动进程的四种方式：`spawn` 给出流，`exec` 把一整行命令交给 shell，`execFile` 直接运行程序，
// `fork` 带一条通道。程序也可以是脚本，只要有可执行权限，并以 `#!` 开头。

const { exec, execFile, spawn } = require('child_process');
const notes = require('../notes.js');

notes.about('Starts a file by spawn, exec, execFile and fork, and prints what came.',
  '用 spawn、exec、execFile 和 fork 各启动一次同一个文件，并打印结果。', { worker: 'file.js' });

const file = notes.worker('file.js');
const say = (line) => console.log(line.trimEnd());

spawn(file, ['by spawn']).stdout.on('data', (text) => say(`spawn: ${text}`));
exec(`'${file}' by exec | tr a-z A-Z`, (error, stdout) => say(`exec: ${stdout}`));
execFile(file, ['by exec_file; echo not a command'], (error, stdout) => say(`execFile: ${stdout}`));
notes.fork('file.js', ['by fork']).on('message', (message) => say(`fork: ${message}`));

// Each of them has a time limit; what a command wrote until then is not lost.
// 四种都可以限时；在那之前写出的内容不会丢。
const inTime = { timeout: 500 };
exec('echo begun; exec sleep 1000', inTime, (error, stdout) => {
  say(`timeout of exec: ${error.killed && `killed by ${error.signal}`}, had written ${stdout}`);
});
spawn('sleep', ['1000'], inTime).on('exit', (code, signal) => say(`timeout of spawn: killed by ${signal}`));
