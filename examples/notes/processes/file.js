#!/usr/bin/env node
'use strict';
// What is started by each call: says how, on its standard output, or over the channel if it has one.

const text = `started ${process.argv.slice(2).join(' ')}`;
if (process.send) process.send(text);
else console.log(text);
