'use strict';
// The other side of the channel: the same two, `send` and 'message'.

process.on('message', (message) => {
  console.log(`child process got msg: ${JSON.stringify(message)}`);
  process.send({ you_said: message });
});
process.on('disconnect', () => process.exit(0));
process.send({ name: 'worker' });
