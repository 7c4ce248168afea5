// Requests over a channel, for a Node at either end of a Baton: await request(child, value), onRequest(process, answer).
'use strict';

const open = new WeakMap(); // of each peer the requests that wait for their reply
let last = 0;

function opened(peer) {
  if (open.has(peer)) return open.get(peer);
  const waiting = new Map();
  open.set(peer, waiting);
  peer.on('message', (message) => {
    if (message?.cmd !== 'BATON_REPLY' || !waiting.has(message.id)) return;
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.value);
  });
  peer.on('disconnect', () => {
    for (const { reject } of waiting.values()) reject(new Error('request: disconnected'));
    waiting.clear();
  });
  return waiting;
}

function request(peer, value) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    opened(peer).set(id, { resolve, reject });
    peer.send({ cmd: 'BATON_REQUEST', id, value }, (error) => error && opened(peer).delete(id) && reject(error));
  });
}

function onRequest(peer, answer) {
  peer.on('message', async (message) => {
    if (message?.cmd !== 'BATON_REQUEST') return;
    const reply = (what) => peer.send({ cmd: 'BATON_REPLY', id: message.id, ...what }, () => {});
    try {
      reply({ value: await answer(message.value) });
    } catch (error) {
      reply({ error: { message: String(error?.message ?? error) } });
    }
  });
}

module.exports = { request, onRequest };
