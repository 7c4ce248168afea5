// An HTTP server that reads each request to its end and says what it read; `server.cc` beside it is the same for
// Baton. Prints "port N" and serves until SIGTERM. With `impatient` it waits for nobody.
'use strict';
const http = require('http');

// What would end a field early, or be no field at all; a message of its own for each that is not refused.
const split = [
  ['x', 'a\r\nSet-Cookie: b'], ['x', 'a\nb'], ['x', 'a\rb'], ['x', 'a\0b'], ['x', 'a\x7fb'],
  ['x: y\r\nz', 'a'], ['x y', 'a'], ['', 'a'],
];
function trySplitting(response) {
  let text = '';
  for (const [name, value] of split) {
    try {
      response.setHeader(name, value);
      text += 'taken ';
    } catch {
      text += 'refused ';
    }
  }
  return text;
}

function answer(request, response, body) {
  const trailers = request.rawTrailers;
  let text = `${request.method} ${request.url} ${request.rawHeaders.length / 2} fields\n${body}\n`;
  for (let i = 0; i < trailers.length; i += 2) text += `${trailers[i]}: ${trailers[i + 1]}\n`;
  if (request.url === '/split') text = trySplitting(response);
  if (request.url === '/204' || request.url === '/304') response.statusCode = Number(request.url.slice(1));
  if (request.url === '/late') setTimeout(() => response.end(text), 20);
  else response.end(text);
}

const options = process.argv[2] !== 'impatient' ? {} :
  { headersTimeout: 100, requestTimeout: 200, keepAliveTimeout: 100, connectionsCheckingInterval: 50 };
const server = http.createServer(options, (request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => answer(request, response, body));
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
