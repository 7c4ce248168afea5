'use strict';
// The one thread of a worker throws: the worker tells what it was and ends, another takes its place, and the
// service goes on. The primary accepts, and hands each connection to the next worker in turn.
// 工作进程唯一的线程抛出异常：它说明原因然后退出，另一个顶上，服务不中断。
// 主进程负责 accept，把每条连接轮流交给下一个工作进程。
//
//     curl localhost:8080/          curl localhost:8080/throw

const net = require('net');
const notes = require('../notes.js');

notes.about('A worker that throws is reported and replaced; GET /throw makes one throw.',
  '工作进程抛出异常后会被报告并替换；GET /throw 让它抛出一个。', { port: 8080, many: true });

let inTurn = [];

function startWorker() {
  const worker = notes.fork('worker.js');
  let ready = false;
  let uncaught;
  inTurn.push(worker);
  console.log(`worker ${worker.pid}`);
  worker.on('message', (message) => {
    if (message === 'ready') ready = true;
    if (typeof message.uncaught === 'string') {
      uncaught = message.uncaught;
      inTurn = inTurn.filter((other) => other !== worker);
    }
  });
  worker.on('error', () => {});  // its channel may end in the middle of a send
  worker.on('exit', (code, signal) => {
    inTurn = inTurn.filter((other) => other !== worker);
    if (notes.ending()) return;
    console.log(`worker ${worker.pid} died of: ${uncaught ?? signal ?? `exit code ${code}`}`);
    // One that cannot even begin would be replaced for ever.
    // 连启动都做不到的，不能无休止地替换。
    if (!ready) process.exit(1);
    startWorker();
    for (const socket of waiting.splice(0)) handOver(socket);
  });
}

const waiting = [];
function handOver(socket) {
  const worker = inTurn.shift();
  if (!worker) return waiting.push(socket);
  inTurn.push(worker);
  worker.send('connection', socket);
}

for (let i = 0; i < notes.count; ++i) startWorker();
// Paused, so that no byte is read here: what is read does not move with the socket.
// 先暂停，一个字节也不在这里读：已经读进来的数据不会随 socket 一起移交。
const server = net.createServer({ pauseOnConnect: true }, handOver);
server.listen(notes.port, '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});
