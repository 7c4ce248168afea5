'use strict';
// The other side of the channel: the same two, `send` and 'message'.
// 通道的另一端，做的是同样两件事：`send`，以及 'message'。

require('../help.js').worker('Prints each message, and sends it back.', '打印每条消息，并把它发回去。');

process.on('message', (message) => {
  console.log(`child process got msg: ${JSON.stringify(message)}`);
  process.send({ you_said: message });
});
process.on('disconnect', () => process.exit(0));
process.send({ name: 'worker' });
