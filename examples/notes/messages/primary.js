'use strict';
// The channel: `send` on one side, 'message' on the other, and any JSON value may travel.

const notes = require('../notes.js');

const worker = notes.fork('worker.js');
console.log(`worker ${worker.pid}`);
worker.on('message', (message) => {
  // As JSON: an object in the middle of a text would only say [object Object].
  console.log(`got message: ${JSON.stringify(message)}`);
});
const list = [1, 'two', [3.5]];
for (const message of ['some msg', 42, true, null, list, { name: '父进程', list }]) worker.send(message);
