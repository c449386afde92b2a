/**
 * Seals, opens, rewraps and verifies with a local key, and closes everything. Tells its parent the data key under a mask
 * while it is in use. Started by process-memory.test.ts.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalKeyring } from '../../src/keys/local/index.ts';
import { openObject, rewrap, sealFile, verify } from '../../src/envelope/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';

const MASK = 0xa5;
const folder = mkdtempSync(join(tmpdir(), 'waxseal-memory-'));
const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'key') });
await ring.create('default');
const local = ring.key('default');
const path = join(folder, 'x.wax');

let told = false;
/** The local key itself; while the first secret that it unwraps is alive, the parent may look. */
const key: KeyProvider = {
  uri: local.uri,
  algorithms: local.algorithms,
  bindsContext: local.bindsContext,
  symmetric: local.symmetric,
  wrap: (...args) => local.wrap(...args),
  describe: () => local.describe?.() ?? Promise.reject(new TypeError('no describe')),
  async unwrap(...args) {
    const unwrapped = await local.unwrap(...args);
    if (!told) {
      told = true;
      console.log(Array.from(unwrapped.secret, (byte) => (byte ^ MASK).toString(16).padStart(2, '0')).join(''));
      await once(process.stdin, 'data');
    }
    return unwrapped;
  },
};

await sealFile([new Uint8Array(300_000)], path, key);
for (let i = 0; i < 10; i += 1) {
  const object = await openObject(path, key);
  await object.read(0);
  await object.close();
  await verify(path, key);
  await ring.rotate('default');
  await rewrap(path, key);
}
rmSync(folder, { recursive: true });
console.log('closed');
await once(process.stdin, 'data');
process.exit(0);
