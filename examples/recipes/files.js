// A service for files, on port 7002: POST and GET and DELETE /files/NAME, and GET /files for their names as JSON.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');

const folder = 'files';
let uploads = 0;

function refusal(status, text) {
  return Object.assign(new Error(text), { status });
}

async function upload(request, response, name) {
  const part = path.join(folder, `.${++uploads}`);
  try {
    await pipeline(request, fs.createWriteStream(part));
    await fs.promises.rename(part, path.join(folder, name));
  } catch (error) {
    await fs.promises.rm(part, { force: true }); // the client may have left
    throw error;
  }
  response.writeHead(201).end();
}

async function download(request, response, name) {
  const file = await fs.promises.open(path.join(folder, name));
  const { size } = await file.stat();
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  await pipeline(file.createReadStream(), response);
}

async function list(request, response) {
  const names = (await fs.promises.readdir(folder)).filter((name) => !name.startsWith('.'));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(names));
}

async function remove(request, response, name) {
  await fs.promises.unlink(path.join(folder, name));
  response.writeHead(204).end();
}

const routes = { POST: upload, GET: download, DELETE: remove };

async function answer(request, response) {
  const [, files, encoded, more] = request.url.split('?')[0].split('/');
  if (files !== 'files' || more !== undefined) throw refusal(404, 'no such page\n');
  const handler = encoded === undefined ? { GET: list }[request.method] : routes[request.method];
  if (!handler) throw refusal(405, 'no such method\n');
  const name = decodeURIComponent(encoded ?? 'x');
  if (/^$|^\.|[/\0]/.test(name)) throw refusal(400, 'no such name\n');
  await handler(request, response, name);
}

fs.mkdirSync(folder, { recursive: true });
const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (response.headersSent) return response.destroy();
    response.writeHead(error.status ?? (error.code === 'ENOENT' ? 404 : 500)).end(error.message);
  });
});
server.listen(7002);
