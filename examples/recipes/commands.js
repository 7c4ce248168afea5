// Runs two hundred shell commands, at most eight at once, and says how many failed.
'use strict';
const { exec } = require('node:child_process');
const { promisify } = require('node:util');

async function main() {
  const commands = Array.from({ length: 200 }, (_, i) => `exit ${Math.floor(i / 180)}`);
  const total = commands.length;
  let failed = 0;
  async function runner() {
    for (let command; (command = commands.shift()); ) await promisify(exec)(command).catch(() => ++failed);
  }
  await Promise.all(Array.from({ length: 8 }, runner));
  console.log(`${failed} of ${total} commands failed`);
}

main();
