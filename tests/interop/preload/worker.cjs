require('./server.cjs');
