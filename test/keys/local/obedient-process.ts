/** Run by noticing.test.ts: rotates the key when it is told to, and reports the version that it made. */
import { createInterface } from 'node:readline';
import { openLocalKeyring } from '../../../src/keys/local/index.ts';

const [folder = '', keyFile = ''] = process.argv.slice(2);
const ring = await openLocalKeyring(folder, { keyFile });
console.log(JSON.stringify('ready'));
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'rotate') continue;
  const { currentVersion } = await ring.rotate('default');
  console.log(JSON.stringify(currentVersion));
}
