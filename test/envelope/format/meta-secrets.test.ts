import { afterEach, describe, expect, it, vi } from 'vitest';
import { openMeta, sealedMetaLength, sealMeta } from '../../../src/envelope/format/meta.ts';
import { random, refused } from './objects.ts';

/** Keys that were derived, and what a decipher handed out. */
const { derived, plaintexts } = vi.hoisted(() => ({ derived: [] as Uint8Array[], plaintexts: [] as Uint8Array[] }));

vi.mock('../../../src/crypto/secrets.ts', async (original) => {
  const real = await original<typeof import('../../../src/crypto/secrets.ts')>();
  return {
    ...real,
    adoptSecret(made: Buffer) {
      const secret = real.adoptSecret(made);
      derived.push(secret);
      return secret;
    },
  };
});

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  return {
    ...real,
    createDecipheriv(...args: Parameters<typeof real.createDecipheriv>) {
      const decipher = real.createDecipheriv(...args);
      const update = decipher.update.bind(decipher) as (data: Uint8Array) => Buffer;
      decipher.update = ((data: Uint8Array) => {
        const plaintext = update(data);
        plaintexts.push(plaintext);
        return plaintext;
      }) as typeof decipher.update;
      return decipher;
    },
  };
});

afterEach(() => {
  derived.length = 0;
  plaintexts.length = 0;
});

const dataKey = random(32);
const bind = random(32);
const live = (): Uint8Array[] => derived.filter((key) => key.some((byte) => byte !== 0));

describe('the key of private metadata', () => {
  it('is zeroed when they are sealed, measured and opened', () => {
    const meta = sealMeta({ name: 'a' }, dataKey, bind);
    sealedMetaLength({ name: 'a' });
    expect([derived.length, live()]).toEqual([2, []]);
    openMeta(meta, dataKey, bind, 'x');
    expect([derived.length, live()]).toEqual([3, []]);
    expect(dataKey.some((byte) => byte !== 0)).toBe(true);
  });

  it('is zeroed when they do not authenticate, and so is what came out of the cipher', () => {
    const meta = sealMeta({ name: 'a' }, dataKey, bind);
    meta[20] = (meta[20] ?? 0) ^ 1;
    refused(() => openMeta(meta, dataKey, bind, 'x'), 'ERR_AUTHENTICATION');
    expect([derived.length, live()]).toEqual([2, []]);
    expect(plaintexts).toEqual([Buffer.alloc(64)]);
  });
});
