// A pool of worker processes that count primes: twenty jobs, as many at once as there are cores.
'use strict';
const { fork } = require('node:child_process');
const { availableParallelism } = require('node:os');

function countPrimes({ from, to }) {
  let count = 0;
  for (let n = from; n < to; ++n) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) ++divisor;
    if (n > 1 && divisor * divisor > n) ++count;
  }
  return count;
}

function worker() {
  process.on('message', (job) => process.send(countPrimes(job)));
}

function main() {
  const waiting = [];
  const counts = [];
  for (let i = 0; i < 20; ++i) waiting.push({ i, from: i * 100_000, to: (i + 1) * 100_000 });
  for (let w = 0; w < availableParallelism(); ++w) {
    const child = fork(__filename, ['worker']);
    let job;
    const next = () => ((job = waiting.shift()) ? child.send(job) : child.disconnect());
    child.on('message', (count) => {
      counts[job.i] = count;
      next();
    });
    child.on('exit', (code) => code === 0 || process.exit(1)); // a job is lost
    next();
  }
  process.on('exit', () => counts.forEach((count) => console.log(`${count} primes`)));
}

process.argv[2] === 'worker' ? worker() : main();
