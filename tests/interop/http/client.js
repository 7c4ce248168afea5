// Node's own HTTP client at an `echo_server`: `client.js PORT`. Prints what it was pleased with, a line each.
'use strict';
const assert = require('assert');
const { createHash } = require('crypto');
const http = require('http');

const port = Number(process.argv[2]);
const ask = (options) => http.request({ port, host: '127.0.0.1', ...options });
const answered = (request) => new Promise((resolve, reject) => {
  request.on('error', reject).on('response', (response) => {
    let body = '';
    response.setEncoding('latin1');
    response.on('data', (piece) => { body += piece; }).on('error', reject);
    response.on('end', () => resolve({ response, body, port: response.headers['x-port'] }));
  });
});
const get = (path, options) => answered(ask({ path, ...options }).end());
const hash = (text) => createHash('sha1').update(text, 'latin1').digest('hex');

const deeds = {
  async 'an answer in chunks'() {
    const { response, body } = await get('/chunks');
    assert.strictEqual(response.headers['transfer-encoding'], 'chunked');
    assert.strictEqual(body, 'one two three');
  },
  async 'an answer of nothing'() {
    const { response, body } = await get('/nothing');
    assert.deepStrictEqual([response.statusCode, body], [204, '']);
    assert.strictEqual((await get('/chunks', { method: 'HEAD' })).body, '');
  },
  // 8 MiB that are still sent while they come back.
  async 'a streamed upload'() {
    const request = ask({ method: 'POST' });
    const answer = answered(request);
    let sent = '';
    for (let i = 0; i < 512; ++i) {
      const piece = String.fromCharCode(97 + i % 26).repeat(16384 - i);
      sent += piece;
      if (!request.write(piece)) await new Promise((resolve) => request.once('drain', resolve));
    }
    request.end();
    const { response, body } = await answer;
    assert.strictEqual(hash(body), hash(sent));
    assert.strictEqual(response.trailers['x-bytes'], String(sent.length));
  },
  async 'a body of known length'() {
    const { body } = await answered(ask({ method: 'PUT', headers: { 'content-length': 5 } }).end('hello'));
    assert.strictEqual(body, 'hello');
  },
  async 'trailers both ways'() {
    const request = ask({ method: 'POST', headers: { 'transfer-encoding': 'chunked', trailer: 'x-sum' } });
    const answer = answered(request);
    request.write('hello');
    request.addTrailers({ 'x-sum': 'abc' });
    request.end();
    const { response, body } = await answer;
    assert.strictEqual(body, 'hello');
    assert.deepStrictEqual({ ...response.trailers }, { 'x-sum': 'abc', 'x-bytes': '5' });
  },
  async '100 Continue'() {
    const request = ask({ method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } });
    const answer = answered(request);
    request.flushHeaders();
    await new Promise((resolve) => request.once('continue', resolve));
    request.end('hello');
    assert.strictEqual((await answer).body, 'hello');
  },
  async 'a body that is not wanted'() {
    const request = ask({ path: '/refused', method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } });
    request.on('continue', () => assert.fail('it was wanted'));
    const answer = answered(request);
    request.flushHeaders();
    const { response, body } = await answer;
    assert.deepStrictEqual([response.statusCode, body], [401, 'who are you?']);
    request.destroy();
  },
  async 'another expectation'() {
    assert.strictEqual((await get('/', { headers: { expect: 'tea' } })).response.statusCode, 417);
  },
  async 'an upgrade'() {
    const request = ask({ headers: { connection: 'Upgrade', upgrade: 'tea' } }).end();
    const [response, socket] = await new Promise((resolve, reject) => {
      request.on('error', reject).on('upgrade', (...all) => resolve(all));
    });
    assert.deepStrictEqual([response.statusCode, response.headers.upgrade], [101, 'tea']);
    let back = '';
    socket.on('data', (bytes) => {
      back += bytes;
      if (back === 'hello') socket.end();
    });
    socket.write('hello');
    await new Promise((resolve) => socket.on('close', resolve));
    assert.strictEqual(back, 'hello');
  },
  async 'one connection for many requests'() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    for (let i = 0; i < 20; ++i) {
      const request = ask({ agent, method: 'POST' }).end(`${i}`);
      const answer = await answered(request);
      assert.deepStrictEqual([answer.body, request.reusedSocket], [`${i}`, i > 0]);
      ports.add(answer.port);
    }
    assert.strictEqual(ports.size, 1);
    agent.destroy();
  },
  async 'five connections for many requests at once'() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/chunks', { agent })));
    assert.ok(answers.every(({ body }) => body === 'one two three'));
    assert.strictEqual(new Set(answers.map((answer) => answer.port)).size, 5);
    agent.destroy();
  },
  async 'a client that goes away amid an upload, and another'() {
    const request = ask({ method: 'POST' });
    request.on('error', () => {});
    request.write('hello');
    await new Promise((resolve) => request.on('response', resolve));
    request.destroy();
    assert.strictEqual((await get('/chunks')).body, 'one two three');
  },
};

(async () => {
  for (const [what, deed] of Object.entries(deeds)) {
    await deed();
    console.log(what);
  }
  process.exit(0);
})().catch((error) => {
  console.log(error.stack);
  process.exit(1);
});
