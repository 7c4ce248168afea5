'use strict';
process.on('disconnect', () => {});
process.send({hello: 'world', n: 123});
