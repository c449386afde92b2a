// One object in three layouts: for files, for database values, and for payloads that nothing may rewrite.
import { stat, writeFile } from 'node:fs/promises';
import { convertFile, createLocalKeyring, open, openFile, rewrap, seal, sealFile } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

// Compact: a value in a database. A rewrap gives a new value; write it back by compare-and-set.
const value = await seal(new TextEncoder().encode('{"token":"s3cret"}'), key, { layout: 'compact' });
console.log('compact adds', value.length - 18, 'bytes');
await ring.rotate('default');
const rewrapped = await rewrap(value, key);
console.log(new TextDecoder().decode(await open(rewrapped, key)));

// Detached: a small header here, the payload in a store where nothing is ever rewritten.
await writeFile('model.onnx', new Uint8Array(1_000_000));
const { payload = '' } = await sealFile('model.onnx', 'model.wax', key, { layout: 'detached' });
const { mtimeMs } = await stat(payload);
await ring.rotate('default');
await rewrap('model.wax', key);
console.log('payload untouched:', (await stat(payload)).mtimeMs === mtimeMs);
await openFile({ header: 'model.wax', payload }, 'model.copy', key);

// From one to the other without a key: the segments stay as they are.
const { from, to } = await convertFile('model.wax', 'attached');
console.log(from, '→', to);
await openFile('model.wax', 'model.copy', key, { overwrite: true });

ring.close();
