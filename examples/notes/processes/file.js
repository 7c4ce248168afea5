#!/usr/bin/env node
'use strict';
// What is started by each call: says how, on its standard output, or over the channel if it has one.
// 被四种方式启动的程序：说出自己是怎样启动的；有通道就发消息，没有就写标准输出。

require('../help.js').program(' [ARGUMENT...]',
  'Says what it was started with: as a message if it has a channel, else on standard output.',
  '说出启动时得到的参数：有通道就发消息，没有就写标准输出。');

const text = `started ${process.argv.slice(2).join(' ')}`;
if (process.send) process.send(text);
else console.log(text);
