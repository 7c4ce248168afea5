'use strict';
// The channel: `send` on one side, 'message' on the other, and any JSON value may travel.
// 通道：一端 `send`，另一端触发 'message'；任何 JSON 值都可以发送，不只是字符串。

const notes = require('../notes.js');

notes.about('Sends a worker messages of every JSON kind, and prints its answers.',
  '给工作进程发送各种 JSON 值，并打印它的回答。');

const worker = notes.fork('worker.js');
console.log(`worker ${worker.pid}`);
worker.on('message', (message) => {
  // As JSON: an object in the middle of a text would only say [object Object].
  // 按 JSON 打印：对象直接放进字符串，只会得到 [object Object]。
  console.log(`got message: ${JSON.stringify(message)}`);
});
const list = [1, 'two', [3.5]];
for (const message of ['some msg', 42, true, null, list, { name: '父进程', list }]) worker.send(message);
