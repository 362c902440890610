'use strict';
// A TLS client that asks line by line. What it is told and what it says is in language/mod.rs.

const fs = require('node:fs');
const readline = require('node:readline');
const tls = require('node:tls');
const { once } = require('node:events');
const { parseArgs } = require('node:util');

const text = { type: 'string' };
const { values } = parseArgs({
  options: { port: text, version: text, name: text, alpn: text, identity: text, times: text, file: text },
});

let session;

async function connect() {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: Number(values.port),
    servername: values.name,
    ca: fs.readFileSync('Ca.root.pem'),
    cert: values.identity && fs.readFileSync(`${values.identity}.chain.pem`),
    key: values.identity && fs.readFileSync(`${values.identity}.key.pem`),
    minVersion: values.version,
    maxVersion: values.version,
    ALPNProtocols: values.alpn?.split(','),
    session,
  });
  socket.on('session', (offered) => { session = offered; });
  await once(socket, 'secureConnect');
  const alpn = socket.alpnProtocol || 'none';
  process.stdout.write(`${socket.getProtocol()} alpn=${alpn} resumed=${socket.isSessionReused()}\n`);
  return socket;
}

// Takes one line and ends, so often.
async function again(times) {
  for (let n = 0; n < times; n += 1) {
    const socket = await connect();
    for await (const line of readline.createInterface({ input: socket })) {
      process.stdout.write(`${line}\n`);
      socket.end();
    }
    if (!socket.destroyed) await once(socket, 'close');
  }
}

async function ask() {
  const socket = await connect();
  const [closed, answers] = [once(socket, 'close'), readline.createInterface({ input: socket })];
  answers.on('line', (line) => process.stdout.write(`${line}\n`));
  socket.on('end', () => process.stdout.write('ended\n'));
  const asked = readline.createInterface({ input: process.stdin });
  asked.on('line', (line) => socket.write(`${line}\r\n`));
  asked.on('close', () => socket.end());
  await closed;
}

// Sends a file, and writes what it is sent.
async function exchange(file) {
  const socket = await connect();
  socket.write(fs.readFileSync(file));
  for await (const chunk of socket) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}

async function main() {
  if (values.times) await again(Number(values.times));
  else if (values.file) await exchange(values.file);
  else await ask();
}

main().then(
  () => { process.stdin.destroy(); },
  (error) => {
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(1);
  },
);
