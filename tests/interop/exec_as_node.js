'use strict';
// What examples/run_command.cc does, by Node's own exec, execFile and spawnSync: the same arguments, and one line with
// the members that both have.

const { exec, execFile, spawnSync } = require('child_process');

const words = process.argv.slice(2);
const options = { env: { ...process.env } };
let shell = false;
let sync = false;
const takes = {
  '--shell': () => { shell = true; },
  '--sync': () => { sync = true; },
  '--cwd': () => { options.cwd = words.shift(); },
  '--env': () => {
    const [, key, value] = /^([^=]*)=(.*)$/.exec(words.shift());
    options.env[key] = value;
  },
  '--timeout': () => { options.timeout = Number(words.shift()); },
  '--kill-signal': () => { options.killSignal = words.shift(); },
  '--max-buffer': () => { options.maxBuffer = Number(words.shift()); },
  '--uid': () => { options.uid = Number(words.shift()); },
  '--gid': () => { options.gid = Number(words.shift()); },
};
for (let word = words.shift(); word !== '--'; word = words.shift()) takes[word]();
const [file, ...args] = shell ? [words.join(' ')] : words;

const print = (result) => console.log(JSON.stringify(result));
const nothing = { code: null, signal: null, killed: false, stdout: '', stderr: '', error: null };
const textOf = (output) => (output === null || output === undefined ? '' : output.toString());

if (sync) {
  try {
    const { status, signal, stdout, stderr, error } = spawnSync(file, args, { ...options, shell });
    print({ code: status, signal, killed: null, stdout: textOf(stdout), stderr: textOf(stderr), error: error?.code ?? null });
  } catch (error) {
    print({ ...nothing, killed: null, error: error.code });
  }
} else {
  let child;
  // A code that is a number is the exit code again.
  const done = (error, stdout, stderr) => print({
    code: child.exitCode,
    signal: child.signalCode,
    killed: error?.killed ?? child.killed,
    stdout,
    stderr,
    error: typeof error?.code === 'string' ? error.code : null,
  });
  try {
    child = shell ? exec(file, options, done) : execFile(file, args, options, done);
    child.stdin?.end();
  } catch (error) {
    print({ ...nothing, error: error.code });
  }
}
