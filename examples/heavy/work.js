'use strict';

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}

const cpuTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

// Uses the CPU for so long, and says how many primes it found.
exports.burn = (ms) => {
  let primes = 0;
  const end = cpuTime() + ms;
  for (let number = 0; cpuTime() < end; ++number) if (isPrime(number)) ++primes;
  return primes;
};
