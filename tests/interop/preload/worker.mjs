import http from 'node:http';
import './server.cjs';

// Modules begin later than scripts; the server is the same.
if (typeof http.Server !== 'function') throw new Error('no http');
