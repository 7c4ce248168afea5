'use strict';
// What the child of examples/heavy.cc does, by Node: the work that its parent gives it.

const { onRequest } = require('../channel/requests.js');
const { burn } = require('./work.js');

console.log(`child ${process.pid}`);
onRequest(process, ({ ms }) => ({ primes: burn(ms) }));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole foreground group; the parent decides what it means.
process.on('SIGINT', () => {});
