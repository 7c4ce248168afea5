// A web server as anybody would write it: node runtime_app.cjs PORT.
const http = require('node:http');
const server = http.createServer((request, response) => response.end(`${process.pid}\n`));
server.listen(Number(process.argv[2]), '127.0.0.1');
