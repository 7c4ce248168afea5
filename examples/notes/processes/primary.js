'use strict';
// The other ways to start a process, without a channel: `spawn` with streams, `exec` with a command for the shell,
// `execFile` with a program. The program may be a script, if it may be executed and begins with `#!`.

const { exec, execFile, spawn } = require('child_process');
const path = require('path');

const file = process.argv[2] ?? path.join(__dirname, 'file.sh');

spawn(file, ['by spawn']).stdout.on('data', (text) => console.log(`spawn: ${text}`));
exec(`'${file}' by exec | tr a-z A-Z`, (error, stdout) => console.log(`exec: ${stdout}`));
execFile(file, ['by exec_file; echo not a command'], (error, stdout) => console.log(`execFile: ${stdout}`));
exec('echo begun; exec sleep 1000', { timeout: 500 }, (error, stdout) => {
  console.log(`timeout: ${error.killed ? 'killed' : 'not killed'}, had written ${stdout}`);
});
