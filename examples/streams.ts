// Streams: Node streams, web streams and async iterables, in both directions, of unknown length.
import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createLocalKeyring, open, seal } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

await writeFile('plain', new Uint8Array(1_000_000));
await pipeline(await seal(createReadStream('plain'), key), createWriteStream('sealed.wax'));
await pipeline(await open(createReadStream('sealed.wax'), key), createWriteStream('opened'));

const web = new Blob(['a web stream']).stream();
let bytes = 0;
for await (const chunk of await open(await seal(web, key), key)) bytes += chunk.length;
console.log('opened', bytes, 'bytes of a web stream');
ring.close();
