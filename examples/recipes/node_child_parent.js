// node node_child_parent.js CHILD: accepts connections on port 7001, and gives each to CHILD, a program with a
// channel: node_child.js, or recipe_node_child.
'use strict';
const { spawn } = require('node:child_process');
const net = require('node:net');

const child = process.argv[2] ?? `${__dirname}/node_child.js`;
const command = child.endsWith('.js') ? [process.execPath, child] : [child];
const server = net.createServer({ pauseOnConnect: true }, (socket) => worker.send('connection', socket));
const worker = spawn(command[0], command.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
worker.on('exit', (code) => process.exit(code ?? 1));
server.listen(7001);
process.on('SIGTERM', () => {
  server.close();
  worker.disconnect();
});
