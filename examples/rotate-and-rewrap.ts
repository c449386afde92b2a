// Rotation: a new version of the master key, then a new wrap in place. The payload is neither read nor written.
import { createLocalKeyring, inspect, open, rewrap, seal, sealFile } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');
await sealFile([new Uint8Array(1_000_000)], 'model.wax', key);

await ring.rotate('default');
const { entries, bytesWritten } = await rewrap('model.wax', key);
console.log(entries[0]?.action, 'with', bytesWritten, 'bytes written');
console.log('slots are', (await inspect('model.wax')).lists);

// The same for bytes, from one key to another.
await ring.create('archive');
const sealed = await seal(new Uint8Array(10), key);
const moved = await rewrap(sealed, key, { to: ring.key('archive') });
console.log('opened with the other key:', (await open(moved, ring.key('archive'))).length, 'bytes');
ring.close();
