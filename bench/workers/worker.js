'use strict';
// worker.js echo|sink COUNT: see worker.cc.
const count = process.argv[2] === 'sink' ? Number(process.argv[3]) : 0;
let received = 0;

process.on('message', (message, handle) => {
  if (handle) handle.destroy();
  if (message === 'cpu') {
    const used = process.cpuUsage();
    process.send(used.user + used.system);
  } else if (count === 0) {
    process.send(message);
  } else if (++received === count) {
    received = 0;
    process.send('done');
  }
});
process.send('ready');
