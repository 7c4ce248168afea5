#!/usr/bin/env node
'use strict';
console.log(`started ${process.argv.slice(2).join(' ')}`);
