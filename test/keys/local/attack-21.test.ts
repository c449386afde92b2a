import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../../src/bytes/index.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { createLocalKeyring, openLocalKeyring, restoreLocalKeyring } from '../../../src/keys/local/index.ts';
import { canonicalJson, type JsonRecord, serializeRecord, without } from '../../../src/keys/local/record.ts';
import { openKey, recordMac } from '../../../src/keys/local/ring-secrets.ts';
import { deriveUnlockKeys, parseUnlock } from '../../../src/keys/local/unlock.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { cheap, refusal } from './rings.ts';
import { boxForTwoKeys } from './two-key-box.ts';

async function passphraseRing(): Promise<{ folder: string; path: string; record: JsonRecord }> {
  const folder = join(await temporaryFolder(), 'ring');
  (await createLocalKeyring(folder, { passphrase: 'one' }, cheap)).close();
  const path = join(folder, 'keyring.json');
  return { folder, path, record: JSON.parse(await readFile(path, 'utf8')) as JsonRecord };
}

/** The record with its checksum made good again, as an attacker would. */
function withChecksum(record: JsonRecord): JsonRecord {
  const rest = without(record, 'sha256');
  return { ...rest, sha256: toBase64Url(sha256(Buffer.from(canonicalJson(rest)))) };
}

describe('attack 21: a keyring file that asks for too much', () => {
  const costs = [
    { N: 2 ** 30 },
    { N: 2 ** 19 },
    { N: 2 ** 13 },
    { N: 2 ** 16 + 2 },
    { N: 0 },
    { N: Number.MAX_SAFE_INTEGER },
    { p: 5 },
    { p: 0 },
    { p: 2 ** 30 },
    { r: 9 },
    { r: 2 ** 20 },
    { r: 1 },
  ];
  for (const cost of costs) {
    it(`scrypt with ${JSON.stringify(cost)} is refused before anything is allocated`, async () => {
      const { folder, path, record } = await passphraseRing();
      const { unlock } = record as { unlock: JsonRecord };
      await writeFile(path, serializeRecord(withChecksum({ ...record, unlock: { ...unlock, ...cost } })));
      const [rss, start] = [process.memoryUsage().rss, performance.now()];
      await refusal(openLocalKeyring(folder, { passphrase: 'one' }), 'ERR_KEYRING_DAMAGED');
      expect(performance.now() - start).toBeLessThan(500);
      expect(process.memoryUsage().rss - rss).toBeLessThan(16 * 2 ** 20);
    });
  }

  it('also in a backup', async () => {
    const { folder } = await passphraseRing();
    const backup = join(folder, '..', 'backup.json');
    const ring = await openLocalKeyring(folder, { passphrase: 'one' }, cheap);
    await ring.backup(backup, 'two');
    const record = JSON.parse(await readFile(backup, 'utf8')) as JsonRecord & {
      keyring: JsonRecord & { unlock: JsonRecord };
    };
    const keyring = withChecksum({ ...record.keyring, unlock: { ...record.keyring.unlock, N: 2 ** 30 } });
    await writeFile(backup, serializeRecord({ ...record, keyring }));
    const restore = restoreLocalKeyring(backup, join(folder, '..', 'new'), 'two', { passphrase: 'x' }, cheap);
    const error = await refusal(restore, 'ERR_KEYRING_DAMAGED');
    expect(error.message).toContain('scrypt cost');
  });
});

describe('attack 21: a keyring file that opens under two passphrases', () => {
  it('is refused under one of them, because the MAC commits to the passphrase', async () => {
    const { folder, path, record } = await passphraseRing();
    const parameters = parseUnlock(record.unlock as JsonRecord, path);
    const one = await deriveUnlockKeys({ passphrase: 'one' }, parameters, path);
    const two = await deriveUnlockKeys({ passphrase: 'two' }, parameters, path);
    const box = boxForTwoKeys(one.subarray(0, 32), two.subarray(0, 32));
    // The box itself opens under both: Poly1305 commits to nothing.
    expect(openKey(box, one.subarray(0, 32))).toHaveLength(32);
    expect(openKey(box, two.subarray(0, 32))).toHaveLength(32);

    const rest = without(without({ ...record, masterKey: toBase64Url(box) }, 'sha256'), 'mac');
    const mac = recordMac(rest, one.subarray(32));
    await writeFile(path, serializeRecord(withChecksum({ ...rest, mac: toBase64Url(mac) })));
    (await openLocalKeyring(folder, { passphrase: 'one' })).close();
    await refusal(openLocalKeyring(folder, { passphrase: 'two' }), 'ERR_WRONG_PASSPHRASE');
    expect(fromBase64Url(toBase64Url(mac))).toEqual(mac);
  });
});
