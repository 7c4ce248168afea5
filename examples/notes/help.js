'use strict';
// What the programs of these examples say of themselves, and when there is nothing that they could do.
// 各示例程序的 --help；参数不对，或者没有通道时，说明原因后退出。

const path = require('path');

const name = path.relative(process.cwd(), process.argv[1]);

exports.fail = (what) => {
  console.error(`${name}: ${what} (see --help)`);
  process.exit(2);
};

// With --help as its first argument a program says what it is for, and ends.
exports.program = (usage, ...lines) => {
  if (!['--help', '-h'].includes(process.argv[2])) return;
  console.log([`Usage: node ${name}${usage}`, '', ...lines].join('\n'));
  process.exit(0);
};

exports.worker = (...lines) => {
  exports.program('', ...lines, '', 'A primary starts it, with a channel.  由主进程启动，带着通道。');
  if (!process.send) exports.fail('there is no channel: a primary starts it');
};
