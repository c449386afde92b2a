/** Run by processes.test.ts: rotates and wraps until it is killed, and reports every wrap that it made. */
import { randomFillSync } from 'node:crypto';
import { writeSync } from 'node:fs';
import { toBase64Url } from '../../../src/bytes/index.ts';
import { openLocalKeyring } from '../../../src/keys/local/index.ts';

const [folder = '', keyFile = '', rounds = 'Infinity'] = process.argv.slice(2);
const ring = await openLocalKeyring(folder, { keyFile });
const key = ring.key('default');

for (let round = 0; round < Number(rounds); round++) {
  await ring.rotate('default');
  for (let wraps = 0; wraps < 3; wraps++) {
    const secret = randomFillSync(new Uint8Array(32));
    const binding = randomFillSync(new Uint8Array(32));
    const { version, wrap } = await key.wrap(secret, binding);
    // Synchronous: what was reported was really made, whenever the process dies.
    const line = { version, wrap: toBase64Url(wrap), secret: toBase64Url(secret), binding: toBase64Url(binding) };
    writeSync(1, `${JSON.stringify(line)}\n`);
  }
}
