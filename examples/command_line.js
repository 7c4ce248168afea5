'use strict';
// How the examples for Node take their arguments, as command_line.h for those in C++: what is wrong is one line on
// standard error, and ends with 2.

const { parseArgs } = require('util');

exports.read = (name, options) => {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    return process.exit(2);
  }
};

// What a server that cannot listen says; without it Node would show where in its own sources it noticed.
exports.fail = (name) => (error) => {
  console.error(`${name}: ${error.message}`);
  process.exit(1);
};
