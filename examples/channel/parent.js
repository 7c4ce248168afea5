// A parent: node parent.js COMMAND [ARG...] starts the command with a channel, and prints what it says.
const { spawn } = require('node:child_process');

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });

let answers = 0;
child.on('message', (message) => {
  console.log('child said', JSON.stringify(message));
  if (message.you_said !== undefined && ++answers === 3) child.disconnect();
});
child.on('disconnect', () => console.log('the channel has ended'));
child.on('exit', (code) => (process.exitCode = code));

for (const message of [{ id: 1, path: 'ä.png' }, 'two', [3, null]]) child.send(message);
