'use strict';
// The four ways to start a process: `spawn` with streams, `exec` with a command for the shell, `execFile` with a
// program, `fork` with a channel. The program may be a script, if it may be executed and begins with `#!`.

const { exec, execFile, spawn } = require('child_process');
const path = require('path');
const notes = require('../notes.js');

const file = process.argv[2] ?? path.join(__dirname, 'file.js');

spawn(file, ['by spawn']).stdout.on('data', (text) => console.log(`spawn: ${text}`));
exec(`'${file}' by exec | tr a-z A-Z`, (error, stdout) => console.log(`exec: ${stdout}`));
execFile(file, ['by exec_file; echo not a command'], (error, stdout) => console.log(`execFile: ${stdout}`));
notes.fork('file.js', ['by fork']).on('message', (message) => console.log(`fork: ${message}`));

// Each of them has a time limit; what a command wrote until then is not lost.
const inTime = { timeout: 500 };
exec('echo begun; exec sleep 1000', inTime, (error, stdout) => {
  console.log(`timeout of exec: ${error.killed && `killed by ${error.signal}`}, had written ${stdout}`);
});
spawn('sleep', ['1000'], inTime).on('exit', (code, signal) => console.log(`timeout of spawn: killed by ${signal}`));
