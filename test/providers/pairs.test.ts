/** Objects move between providers by rewrap: the payload stays what it is, byte for byte. */
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, open, openFile, rewrap, seal, sealFile, verify } from '../../src/envelope/index.ts';
import { slotOf, withList } from '../envelope/rewrap/sealed-parts.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { hasAllServers, type Kind, KINDS, type Servers, startServers, type TestKey } from './support/servers.ts';

const plaintext = pattern(300_000);
const FIVE: readonly Kind[] = ['local', 'aws-kms', 'gcp-kms', 'transit', 'pkcs11 aes-gcm'];

describe.skipIf(!hasAllServers())('providers side by side', () => {
  let servers: Servers;
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers.stop());

  const payloadOf = async (path: string): Promise<string> => {
    const { payloadOffset } = await inspect(path);
    return createHash('sha256')
      .update((await readFile(path)).subarray(payloadOffset))
      .digest('hex');
  };

  for (const from of FIVE) {
    for (const to of FIVE) {
      it(`sealed under ${from}, rewrapped to ${to}, opened: the payload is untouched`, async () => {
        const folder = await temporaryFolder();
        const [path, sealed] = [join(folder, 'x'), join(folder, 'x.wax')];
        await writeFile(path, plaintext);
        const [a, b] = [await servers.key(from), await servers.key(to)];
        await sealFile(path, sealed, a);
        const before = { payload: await payloadOf(sealed), size: (await stat(sealed)).size };
        const report = await rewrap(sealed, [a], { from: a.uri, to: b });
        expect(report.entries).toMatchObject([{ uri: a.uri, toUri: b.uri, action: 'renewed', assurance: 'compared' }]);
        expect({ payload: await payloadOf(sealed), size: (await stat(sealed)).size }).toEqual(before);
        await openFile(sealed, join(folder, 'back'), b);
        expect(await readFile(join(folder, 'back'))).toEqual(Buffer.from(plaintext));
        await expect(openFile(sealed, join(folder, 'no'), a)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
        expect((await verify(sealed, b)).findings).toEqual([]);
      });
    }
  }

  describe.each(KINDS)('a wrapped data key moved to another object (%s)', (kind) => {
    it('is refused: by the provider, or by the header tag where the mechanism has no associated data', async () => {
      const key = await servers.key(kind);
      const [one, two] = [await seal(plaintext, key), await seal(pattern(1000), key)];
      const swapped = withList(two, slotOf(one, 0).list);
      await expect(open(swapped, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
      // Who refuses it: asked directly, a mechanism that binds does, and one that does not gives the foreign key back.
      const [bindOne, bindTwo] = [await bindOf(one), await bindOf(two)];
      const wrapped = await key.wrap(plaintext.slice(0, 32), bindOne);
      const moved = key.unwrap(wrapped, bindTwo).then(
        () => 'opened',
        (error: unknown) => (error as { code: string }).code,
      );
      expect(await moved).toBe(key.bindsContext ? 'ERR_AUTHENTICATION' : 'opened');
    });

    it('attack 13: branch keys and shares have bindings of their own, which no object has', async () => {
      const key = await servers.key(kind);
      if (!key.bindsContext) return;
      const wrapped = await key.wrap(plaintext.slice(0, 32), pattern(32));
      for (let at = 0; at < 32; at += 5) {
        const other = pattern(32);
        other[at] = (other[at] ?? 0) ^ 1;
        await expect(key.unwrap(wrapped, other)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
      }
    });
  });

  describe.each(KINDS)('a rotation at the provider (%s)', (kind) => {
    it('is noticed: what was sealed before is stale and opens, a rewrap brings it to the current version', async () => {
      const key = await servers.key(kind);
      const sealed = await seal(plaintext, key);
      const version = async (object: Uint8Array) => (await inspect(object)).recipients[0]?.version;
      expect(await version(sealed)).toBe((await key.describe?.())?.currentVersion);
      await rotateOutside(key);
      const current = (await key.describe?.())?.currentVersion;
      expect(await version(sealed)).not.toBe(current);
      expect(await open(sealed, key)).toEqual(plaintext);
      const rewrapped = await rewrap(sealed, key);
      expect(await version(rewrapped)).toBe(current);
      expect(await open(rewrapped, key)).toEqual(plaintext);
      expect(await version(await seal(plaintext, key))).toBe(current);
    });
  });
});

async function rotateOutside(key: TestKey): Promise<void> {
  await key.rotate?.();
}

async function bindOf(sealed: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(Buffer.from((await inspect(sealed)).bind, 'hex'));
}
