'use strict';
// What the child of examples/heavy.cc does, by Node: the work that its parent sends.

const { burn } = require('./work.js');

process.on('message', ({ id, ms }) => process.send({ id, primes: burn(ms) }));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole foreground group; the parent decides what it means.
process.on('SIGINT', () => {});
