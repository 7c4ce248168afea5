'use strict';
// Any runtime as the primary of a cluster whose worker is PROGRAM (tests/process/cluster_peer.cc), as far as the runtime
// starts it: runtime_primary.js PROGRAM. Prints what it starts, and each event.

const cluster = require('cluster');

const [program] = process.argv.slice(2);
process.execPath = program;
cluster.setupPrimary({ exec: 'x', args: [], execPath: program });
cluster.schedulingPolicy = cluster.SCHED_RR;
const worker = cluster.fork();
process.on('SIGTERM', () => worker.disconnect());
const { spawnfile } = worker.process;
console.log(`starts ${spawnfile}`);
if (spawnfile !== program) process.exit(0);
worker.on('online', () => {
  console.log('online');
  worker.send({ do: 'serve', port: 0 });
});
worker.on('listening', ({ port }) => console.log(`listening ${port}`));
worker.on('exit', (code) => {
  console.log(`exit ${code}`);
  process.exit(0);
});
