'use strict';
// One worker a core, each with an HTTP server on a port of its own. The channel is how the primary learns which.

const notes = require('../notes.js');

for (let i = 0; i < notes.count; ++i) {
  const worker = notes.fork('worker.js');
  worker.on('message', ({ listening }) => {
    console.log(`worker ${worker.pid} listening on port ${listening}`);
  });
}
