// A worker that is an ES module: it is loaded while messages come already, so it waits for none.
import http from 'node:http';
import process from 'node:process';

const server = http.createServer((request, response) => response.end(`${process.pid}\n`));
server.listen(0, () => process.send(`serving [::]:${server.address().port}`));
