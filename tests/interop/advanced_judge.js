'use strict';
// A child of advanced serialization that is shown values by name, {name, value}: it answers {name, same, value} with
// whether each is what that name stands for, and its own.

const assertSame = require('./advanced_same.js');
const values = require('./advanced_values.js');

process.on('message', ({ name, value }) => {
  let same = 'yes';
  try {
    assertSame(value, values[name]);
  } catch (error) {
    same = error.message;
  }
  process.send({ name, same, value: values[name] });
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: process.pid });
