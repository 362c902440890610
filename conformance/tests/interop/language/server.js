'use strict';
// A TLS server that gives back what it is sent. What it is told and what it says is in language/mod.rs.

const fs = require('node:fs');
const tls = require('node:tls');
const { parseArgs } = require('node:util');

const text = { type: 'string' };
const { values } = parseArgs({
  options: { version: text, leaf: text, alpn: text, 'client-ca': text },
});

const identity = (leaf) => ({
  cert: fs.readFileSync(`${leaf}.chain.pem`),
  key: fs.readFileSync(`${leaf}.key.pem`),
});
const other = tls.createSecureContext(identity('WrongName'));

const server = tls.createServer({
  ...identity(values.leaf),
  minVersion: values.version,
  maxVersion: values.version,
  ALPNProtocols: values.alpn?.split(','),
  SNICallback: (name, done) => done(null, name === 'wrong.example' ? other : null),
  ca: values['client-ca'] && fs.readFileSync(values['client-ca']),
  requestCert: Boolean(values['client-ca']),
  allowHalfOpen: true,
});
server.on('secureConnection', (socket) => {
  const alpn = socket.alpnProtocol || 'none';
  const subject = socket.getPeerCertificate().subject?.CN ?? 'none';
  process.stdout.write(
    `${socket.getProtocol()} alpn=${alpn} resumed=${socket.isSessionReused()} ` +
    `name=${socket.servername || 'none'} client=${subject}\n`,
  );
  socket.on('end', () => process.stdout.write('ended\n'));
  socket.on('error', (error) => process.stdout.write(`error: ${error.message}\n`));
  socket.pipe(socket);
});
server.on('tlsClientError', (error) => process.stdout.write(`error: ${error.message}\n`));
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
