'use strict';
// spawner.js COUNT MIB: see baton/spawner.cc.
const {spawn} = require('child_process');
const [count, mib] = process.argv.slice(2).map(Number);
// Pieces, for one buffer has a limit; each is touched as it is filled.
const resident = Array.from({length: Math.ceil(mib / 16)}, () => Buffer.alloc(Math.min(mib, 16) << 20, 'x'));

async function main() {
  const walls = [];
  const cpu = process.cpuUsage();
  for (let i = 0; i < count; ++i) {
    const start = process.hrtime.bigint();
    await new Promise((resolve) => spawn('/bin/true', {stdio: 'ignore'}).on('exit', resolve));
    walls.push(Number(process.hrtime.bigint() - start) / 1e3);
  }
  const used = process.cpuUsage(cpu);
  walls.sort((a, b) => a - b);
  // The children's own time is not to be had in Node: only the parent's.
  console.log(JSON.stringify({wall_us: walls[count >> 1], cpu_us: (used.user + used.system) / count}));
  return resident.length;
}

main();
