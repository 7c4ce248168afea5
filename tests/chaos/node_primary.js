// node_primary.js WORKERS PORT: Node's own cluster as its users have it: a worker that dies is forked again, and
// SIGHUP replaces the workers one after another. What the storms find here shows that they find something.
const cluster = require('cluster');
const path = require('path');

const count = Number(process.argv[2]);
const port = process.argv[3];
cluster.setupPrimary({ exec: path.join(__dirname, 'app.js'), args: [port] });

let announced = false;
cluster.on('listening', () => {
  const ready = Object.values(cluster.workers).filter((worker) => worker.state === 'listening').length;
  if (announced || ready < count) return;
  announced = true;
  console.log(`listening on 127.0.0.1:${port} (${count} workers)`);
});
cluster.on('exit', (worker) => {
  if (!worker.exitedAfterDisconnect) cluster.fork();
});
for (let i = 0; i < count; ++i) cluster.fork();

let due = 0;
async function reload() {
  for (const old of Object.values(cluster.workers)) {
    await new Promise((resolve) => cluster.fork().once('listening', resolve));
    old.disconnect();
  }
  console.log('reload done');
  if (--due > 0) {
    due = 1;
    reload();
  }
}
process.on('SIGHUP', () => {
  if (++due === 1) reload();
});
process.on('SIGTERM', () => cluster.disconnect(() => process.exit(0)));
