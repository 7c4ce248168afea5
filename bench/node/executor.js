'use strict';
// executor.js COUNT [--shell]: see baton/executor.cc.
const {exec, execFile} = require('child_process');
const count = Number(process.argv[2]);
const run = process.argv.length > 3 ? exec : execFile;

async function main() {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; ++i) {
    await new Promise((resolve, reject) => run('/bin/true', (error) => error ? reject(error) : resolve()));
  }
  const wall = Number(process.hrtime.bigint() - start) / 1e3;
  const used = process.cpuUsage(cpu);
  // The children's own time is not to be had in Node: only the parent's.
  console.log(JSON.stringify({per_second: count / wall * 1e6, cpu_us: (used.user + used.system) / count}));
}

main();
