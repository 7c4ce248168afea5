'use strict';
// pool.js PACKAGES LIBRARY JOBS AT_ONCE WORKERS EACH: what baton/pool.cc does, with workerpool or piscina; PACKAGES is a
// folder that npm has put them into.
const fs = require('fs');
const path = require('path');
const {createRequire} = require('module');

const [packages, library, ...numbers] = process.argv.slice(2);
const [jobs, atOnce, workers, each] = numbers.map(Number);
process.env.BATON_BENCH_PACKAGES = packages;
const load = createRequire(path.join(packages, 'package.json'));
const script = path.join(__dirname, `pool_${library}.js`);

const makers = {
  workerpool() {  // its workers have one job each
    const pool = load('workerpool').pool(script, {minWorkers: workers, maxWorkers: workers});
    return {run: (n) => pool.exec('next', [n]), end: () => pool.terminate()};
  },
  piscina() {
    const {Piscina} = load('piscina');
    const pool = new Piscina({
      filename: script, minThreads: workers, maxThreads: workers, concurrentTasksPerWorker: each});
    return {run: (n) => pool.run(n), end: () => pool.destroy()};
  },
};

function privateKib() {
  const rollup = fs.readFileSync('/proc/self/smaps_rollup', 'utf8');
  return [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

async function main() {
  const pool = makers[library]();
  const ask = async (count) => {
    for (let n = 0; n < count; ++n) if (await pool.run(n) !== n + 1) throw new Error('a wrong answer');
  };
  const askAll = (count) => Promise.all(Array.from({length: atOnce}, () => ask(count / atOnce)));
  await askAll(jobs / 10);  // all have begun, and all is warm
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await askAll(jobs);
  const wall = Number(process.hrtime.bigint() - start) / 1e3;
  const used = process.cpuUsage(cpu);  // the workers are threads of this process
  console.log(JSON.stringify({
    per_second: jobs / wall * 1e6, cpu_us: (used.user + used.system) / jobs, private_kib: privateKib()}));
  await pool.end();
}

main();
