import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openLocalKeyring, restoreLocalKeyring } from '../../../src/keys/local/index.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { cheap, random, testRing } from './rings.ts';

type Secrets = typeof import('../../../src/crypto/secrets.ts');

/** Every piece of memory that was asked for as a secret. */
const allocated = vi.hoisted((): { bytes: Uint8Array; where: string }[] => []);

vi.mock('../../../src/crypto/secrets.ts', async (original) => {
  const real = await original<Secrets>();
  const note = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    allocated.push({ bytes, where: new Error().stack ?? '' });
    return bytes;
  };
  return {
    ...real,
    adoptSecret: (made: Buffer) => note(real.adoptSecret(made)),
    allocateSecret: (length: number) => note(real.allocateSecret(length)),
    randomSecret: (length: number) => note(real.randomSecret(length)),
  };
});

afterEach(() => {
  allocated.length = 0;
});

/** A JSON file, which is read into such memory, too, is longer than any secret. */
const MAX_SECRET = 128;

/** Where memory for a secret was asked for that still holds something. */
function leftBehind(): string[] {
  const full = allocated.filter(({ bytes }) => bytes.length <= MAX_SECRET && bytes.some((byte) => byte !== 0));
  return full.map(({ where }) => where);
}

describe('memory for secrets', () => {
  it('is zero after everything that a keyring does, once it was closed', async () => {
    const { ring, folder, base } = await testRing();
    const bind = random();
    const wrapped = await ring.key('default').wrap(random(), bind);
    (await ring.key('default').unwrap(wrapped, bind)).secret.fill(0);
    await ring
      .key('default')
      .unwrap(wrapped, random())
      .catch(() => undefined);
    await ring.createX25519('pair');
    await ring.importX25519('other', random());
    const pair = await ring.x25519Key('pair');
    const toPair = await pair.wrap(random(), bind);
    (await pair.unwrap(toPair, bind)).secret.fill(0);
    await pair.unwrap(toPair, random()).catch(() => undefined);
    (await x25519Recipient(pair.uri).wrapRecomputed?.(random(), bind))?.recomputed.secret.fill(0);
    using inMemory = x25519KeyPair(random());
    await inMemory.unwrap(await inMemory.wrap(random(), bind), random()).catch(() => undefined);
    inMemory.close();
    await ring.rotate('default');
    await ring.setState('default', '1', 'destroyed');
    await ring.changeUnlock({ passphrase: 'x' });
    await ring.backup(join(base, 'backup'), 'y');
    ring.close();
    const again = await openLocalKeyring(folder, { passphrase: 'x' });
    await again.list();
    again.close();
    await openLocalKeyring(folder, { passphrase: 'wrong' }).catch(() => undefined);
    await restoreLocalKeyring(join(base, 'backup'), join(base, 'new'), 'y', { keyFile: join(base, 'k') }, cheap);
    expect(allocated.length).toBeGreaterThan(100);
    expect(leftBehind()).toEqual([]);
  });

  it('is seen by this test when it is not zeroed', async () => {
    const { ring } = await testRing();
    expect(leftBehind().length).toBeGreaterThan(0);
    ring.close();
    expect(leftBehind()).toEqual([]);
  });
});
