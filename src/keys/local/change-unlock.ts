import { join } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import { withFolderLock } from '../../files/index.ts';
import { damaged } from './damage.ts';
import { headerBytes, KEYRING_FILE, makeHeader, openHeader, parseHeader, readHeader } from './keyring-file.ts';
import { writePrivateFile } from './private-files.ts';
import { parseRecord } from './record.ts';
import type { RingSecrets } from './ring-secrets.ts';
import type { ScryptCost } from './scrypt.ts';
import { assertUnlock, type Unlock } from './unlock.ts';

/**
 * Seals the same master key under another passphrase or key file. The new keyring.json is read back and unlocked before
 * it takes the place of the old one: a crash at any step leaves the one or the other, and both open.
 */
export async function changeKeyringUnlock(
  folder: string,
  secrets: RingSecrets,
  unlock: Unlock,
  cost: ScryptCost | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  assertUnlock(unlock, 'changeUnlock');
  const path = join(folder, KEYRING_FILE);
  await withFolderLock(folder, { signal }, async () => {
    const now = await readHeader(folder);
    // Never bring back a keyring that somebody removed or replaced meanwhile.
    if (now === undefined) throw damaged(path, 'it is gone');
    if (Buffer.compare(now.id, secrets.id) !== 0) throw damaged(path, `it is no longer keyring ${toHex(secrets.id)}`);
    const record = await makeHeader(secrets, now.created, unlock, cost, path);
    signal?.throwIfAborted();
    await writePrivateFile(path, headerBytes(record), {
      overwrite: true,
      inspect: async (bytes) => {
        const back = await openHeader(parseHeader(parseRecord(bytes, path), path), unlock, path);
        const same = back.sameAs(secrets);
        back.close();
        if (!same) throw damaged(path, 'it did not give the master key back; the old one was kept');
      },
    });
  });
}
