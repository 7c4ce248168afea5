'use strict';
// crowd.js COUNT MODULE: see baton/crowd.cc.
const {fork} = require('child_process');
const [countText, module_] = process.argv.slice(2);
const count = Number(countText);
const start = process.hrtime.bigint();
const since = () => Number(process.hrtime.bigint() - start) / 1e3;
let left = count;
let forked = 0;
const children = Array.from({length: count}, () => fork(module_).on('message', () => {
  if (--left > 0) return;
  console.log(JSON.stringify({wall_us: since(), forked_us: forked}));
  for (const child of children) child.kill('SIGKILL');
}));
forked = since();
