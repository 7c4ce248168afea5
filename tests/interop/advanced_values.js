'use strict';
// Values that JSON lacks or changes, by the names that advanced_table.h has for them.

const stack = (error, text) => Object.defineProperty(error, 'stack', { value: text });
const shared = { x: 1 };
const cycle = { list: [] };
cycle.list.push(cycle);
const named = Object.assign([1, 2], { name: 'n' });
const sparse = [];
sparse[1000] = 'far';
const bare = new Error('bare');
delete bare.stack;

module.exports = {
  nothing_inside: { u: undefined, n: null, list: [undefined, null] },
  numbers: [0, -0, NaN, Infinity, -Infinity, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53, 5e-324],
  texts: ['', 'ascii', 'h\u00e9\u00ff', '\u20ac', '\u{1f600}', '\ud800', '\udc00x', '\u0000', '\u7236\u8fdb\u7a0b'],
  bigints: [0n, 1n, -1n, 2n ** 63n, -(2n ** 64n), 123456789012345678901234567890n],
  dates: [new Date(0), new Date(1700000000123), new Date(-1)],
  regexps: [/a+/, /\u20ac\//gi, /x/dgimsuy],
  holes: [1, , 3, , ,], // eslint-disable-line no-sparse-arrays
  sparse,
  named,
  map: new Map([['k', 1], [{ deep: true }, new Map()], [NaN, [-0]]]),
  set: new Set([1, 'a', new Set([null])]),
  buffers: [Buffer.from([1, 2, 255]), Buffer.alloc(0), new Uint8Array([9]), new Uint8ClampedArray([1]), new Int8Array([-1])],
  arrays: [new Int16Array([1, -1]), new Uint16Array([65535]), new Int32Array([-2]), new Uint32Array([4294967295])],
  floats: [new Float32Array([1.5]), new Float64Array([0.1, NaN]), new BigInt64Array([-1n]), new BigUint64Array([1n])],
  array_buffer: [new Uint8Array([1, 2, 3]).buffer, new DataView(new ArrayBuffer(2))],
  errors: [
    stack(new Error('plain'), 'S1'), stack(new TypeError('typed'), 'S2'), stack(new RangeError(''), 'S3'),
    stack(new Error('with', { cause: { why: stack(new SyntaxError('inner'), 'S4') } }), 'S5'),
  ],
  boxed: [Object(1.5), Object('s'), Object(true), Object(false), Object(5n)],
  shared: { first: shared, second: shared, list: [shared] },
  cycle,
  indices: { b: 1, 7: 2, 2147483648: 3, '07': 4 },
  long_text: 'x'.repeat(100000),
  long_bytes: Buffer.alloc(300000, 7),
  invalid_date: [new Date(NaN)],
  other_errors: [
    stack(new EvalError('e'), 'S1'), stack(new ReferenceError('r'), 'S2'), stack(new URIError('u'), 'S3'),
  ],
  no_stack: bare,
  empty: [new Map(), new Set(), [], {}],
};

// What not every Node has: advanced_table.h knows since when.
const [major] = process.versions.node.split('.').map(Number);
if (major >= 20) {
  module.exports.regexp_v = [new RegExp('[a--b]', 'v')];
  module.exports.resizable = [new ArrayBuffer(2, { maxByteLength: 4 })];
}
if (major >= 24) module.exports.float16 = [new Float16Array([1.5, -0])];
