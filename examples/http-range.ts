// HTTP: a sealed file is served like a plain one. Players and Parquet readers ask for ranges, and only those are read.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createLocalKeyring, isWaxsealError, openObject, parseRange, sealFile } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
await writeFile('video', new Uint8Array(1_000_000));
await sealFile('video', 'video.wax', ring.key('default'));
const object = await openObject('video.wax', ring.key('default')); // one unwrap for all requests

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  const etag = `"${object.info.id}"`; // the same plaintext as long as it is the same object, also when it is rewrapped
  response.setHeader('Accept-Ranges', 'bytes').setHeader('ETag', etag);
  // Range is for GET; If-Range asks for everything when the client has a part of something else.
  const isCurrent = headers['if-range'] === undefined || headers['if-range'] === etag;
  try {
    const range = method === 'GET' && isCurrent ? parseRange(headers.range, object.size) : undefined;
    const { start = 0, end = object.size } = range ?? {};
    response.setHeader('Content-Length', end - start);
    if (range !== undefined) response.setHeader('Content-Range', range.contentRange);
    response.writeHead(range === undefined ? 200 : 206);
    if (method === 'HEAD') response.end();
    else await pipeline(object.stream(start, end), response);
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_RANGE_NOT_SATISFIABLE')) throw error;
    response.writeHead(416, { 'Content-Range': `bytes */${String(error.size)}` }).end();
  }
}

const server = createServer((request, response) => {
  // Once bytes are out there is no status to change: the connection breaks, and the client sees that something is missing.
  serve(request, response).catch(() => response.destroy());
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
for (const range of ['bytes=0-499', 'bytes=-500', 'bytes=2000000-', 'pages=1-2']) {
  const response = await fetch(url, { headers: { range } });
  const { byteLength } = await response.arrayBuffer();
  console.log(range, '→', response.status, response.headers.get('content-range') ?? 'everything', byteLength);
}
console.log('HEAD →', (await fetch(url, { method: 'HEAD' })).headers.get('content-length'));
server.close();
server.closeAllConnections();
await object.close();
ring.close();
