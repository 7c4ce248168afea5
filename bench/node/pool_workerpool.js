'use strict';
// The worker of pool.js, which says where the packages are.
const {createRequire} = require('module');
const path = require('path');
createRequire(path.join(process.env.BATON_BENCH_PACKAGES, 'package.json'))('workerpool').worker({next: (n) => n + 1});
