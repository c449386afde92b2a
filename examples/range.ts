// Ranges: read anywhere in a sealed object; only the segments that overlap are read and decrypted.
import { writeFile } from 'node:fs/promises';
import { createLocalKeyring, openObject, openRange, sealFile } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

await writeFile(
  'tensor',
  Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251),
);
await sealFile('tensor', 'tensor.wax', key);
console.log('one range:', await openRange('tensor.wax', key, { start: 500_000, end: 500_004 }));

// An opened object is read many times with one unwrap, also at the same time.
const object = await openObject('tensor.wax', key);
const parts = await Promise.all([object.read(0, 4), object.read(999_996), object.read(251, 255)]);
console.log('three at once:', ...parts);
await object.close(); // zeroes its keys; `await using` does it too, from Node 24 on
ring.close();
