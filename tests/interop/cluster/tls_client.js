'use strict';
// Asks an https server twice, the second time with the session of the first: prints the pids that answered, and
// whether the session was taken up again. `tls_client.js PORT`

const tls = require('tls');

function ask(session, then) {
  const socket = tls.connect({ port: Number(process.argv[2]), host: '127.0.0.1', rejectUnauthorized: false, session });
  let text = '';
  let ticket;
  socket.setEncoding('utf8');
  socket.on('session', (got) => (ticket = got));
  socket.on('data', (piece) => (text += piece));
  socket.on('end', () => then(Number(text.split('\r\n\r\n')[1]), socket.isSessionReused(), ticket));
  socket.on('error', (error) => {
    console.log(error.message);
    process.exit(1);
  });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
}

ask(undefined, (first, _, ticket) => {
  ask(ticket, (second, reused) => console.log(`${first} ${second} ${reused ? 'resumed' : 'new'}`));
});
