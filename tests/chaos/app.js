// An http server as anybody writes one: `node app.js PORT [--handler]`. It answers with its process id, after N ms
// if asked for /slow?ms=N, and says which request it answers. With a handler it ends by itself on SIGTERM.
const http = require('http');

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const answer = () => {
    response.setHeader('X-Token', url.searchParams.get('t') ?? '');
    response.end(`${process.pid}\n`);
  };
  if (url.pathname === '/slow') setTimeout(answer, Number(url.searchParams.get('ms')));
  else answer();
}).listen(Number(process.argv[2]), '127.0.0.1');

if (process.argv[3] === '--handler') process.on('SIGTERM', () => server.close(() => process.exit()));
