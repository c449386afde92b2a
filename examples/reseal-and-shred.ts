// A data key may have leaked: a new one. And the end of an object.
import { copyFile, writeFile } from 'node:fs/promises';
import { createLocalKeyring, isWaxsealError, openObject, reseal, sealFile, shred, verify } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
for (const name of ['default', 'contractor']) await ring.create(name);
const [key, contractor] = [ring.key('default'), ring.key('contractor')];
await writeFile('model.onnx', new Uint8Array(100_000));
await sealFile('model.onnx', 'model.wax', [key, contractor]);
await copyFile('model.wax', 'old-copy.wax');

// The contractor leaves. A rewrap would keep the data key that they have seen; a reseal does not.
const { id, previousId, dropped } = await reseal('model.wax', key, { recipients: [key], dropOthers: true });
console.log('a new object:', id !== previousId, 'without', dropped.join());
await openObject('model.wax', contractor).catch((error: unknown) => {
  console.log(isWaxsealError(error) ? error.code : error);
});
console.log('verified:', (await verify('model.wax', key)).ok);

// What was copied before is out of reach: this opens until its key version is destroyed.
const copy = await openObject('old-copy.wax', contractor);
console.log('the old copy still has', copy.size, 'bytes');
await copy.close();

const { erased } = await shred('model.wax');
console.log('erased:', erased.map(({ part }) => part).join(', '));
await openObject('model.wax', key).catch((error: unknown) => {
  console.log(isWaxsealError(error) ? error.code : error);
});

ring.close();
