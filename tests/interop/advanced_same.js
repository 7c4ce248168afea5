'use strict';
// assert.deepStrictEqual; but before Node 24 that finds two invalid dates different. What a person is shown of such
// values has to be the same then.

const assert = require('assert');
const { inspect } = require('util');

module.exports = (got, expected) => {
  try {
    assert.deepStrictEqual(got, expected);
  } catch (error) {
    if (!inspect(expected).includes('Invalid Date')) throw error;
    assert.strictEqual(inspect(got), inspect(expected));
  }
};
