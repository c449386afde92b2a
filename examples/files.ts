// Files: sealed and opened whole, with flat memory; the target appears only when it is complete.
import { writeFile } from 'node:fs/promises';
import { createLocalKeyring, inspect, isWaxsealError, openFile, sealFile, verify } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

await writeFile('model.onnx', new Uint8Array(3_000_000));
const { id } = await sealFile('model.onnx', 'model.onnx.wax', key, {
  context: { team: 'vision' },
  onProgress: ({ doneBytes, totalBytes }) => console.log(`${String(doneBytes)} of ${String(totalBytes)}`),
});
console.log('sealed to', (await inspect('model.onnx.wax')).recipients[0]?.uri);
console.log('whole:', (await verify('model.onnx.wax', key)).ok);
await openFile('model.onnx.wax', 'model.copy', key, { expectId: id, expectContext: { team: 'vision' } });
try {
  await openFile('model.onnx.wax', 'model.copy', key);
} catch (error) {
  if (!isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) throw error;
  console.log('kept what was there;', error.next);
}
ring.close();
