import { randomFillSync } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasSmallOrder, openBase, reopenBase, sealBase, x25519PublicKey } from '../../../src/crypto/hpke/index.ts';

/** All memory that was asked for a secret or drawn at random, and what Node itself made of a secret. */
const { allocated, drawn, made } = vi.hoisted(() => ({
  allocated: [] as Uint8Array[],
  drawn: [] as Uint8Array[],
  made: [] as Uint8Array[],
}));

vi.mock('../../../src/crypto/secrets.ts', async (original) => {
  const real = await original<typeof import('../../../src/crypto/secrets.ts')>();
  const note = (to: Uint8Array[], bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    to.push(bytes);
    return bytes;
  };
  return {
    ...real,
    allocateSecret: (length: number) => note(allocated, real.allocateSecret(length)),
    randomSecret: (length: number) => note(drawn, real.randomSecret(length)),
  };
});

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  const note = (bytes: Buffer): Buffer => {
    made.push(bytes);
    return bytes;
  };
  return {
    ...real,
    diffieHellman: (keys: Parameters<typeof real.diffieHellman>[0]) => note(real.diffieHellman(keys)),
    createHmac(...args: Parameters<typeof real.createHmac>) {
      const mac = real.createHmac(...args);
      const digest = mac.digest.bind(mac) as () => Buffer;
      mac.digest = (() => note(digest())) as typeof mac.digest;
      return mac;
    },
    createDecipheriv(...args: Parameters<typeof real.createDecipheriv>) {
      const decipher = real.createDecipheriv(...args);
      const update = decipher.update.bind(decipher) as (data: Uint8Array) => Buffer;
      decipher.update = ((data: Uint8Array) => note(update(data))) as typeof decipher.update;
      return decipher;
    },
  };
});

afterEach(forget);

function forget(): void {
  for (const list of [allocated, drawn, made]) list.length = 0;
}

const random = (length = 32): Uint8Array => randomFillSync(new Uint8Array(length));
const [privateKey, ephemeral, info, aad, plaintext] = [random(), random(), random(20), random(9), random(40)];
const publicKey = x25519PublicKey(privateKey);

/** The secrets that are still in memory. */
const left = (): Uint8Array[] => [...allocated, ...drawn, ...made].filter((bytes) => bytes.some((byte) => byte !== 0));

describe('an HPKE message leaves no secret in memory', () => {
  const { enc, ciphertext } = sealBase(publicKey, info, aad, plaintext, ephemeral);

  it('when it is sealed, with a fresh key pair and with a given one', () => {
    sealBase(publicKey, info, aad, plaintext);
    expect(drawn).toHaveLength(1);
    expect(left()).toEqual([]);
    forget();
    sealBase(publicKey, info, aad, plaintext, ephemeral);
    expect(made.length).toBeGreaterThan(3);
    // What is not needed is not drawn.
    expect(drawn).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('when it is opened, but for the plaintext, which is the caller’s', () => {
    const opened = openBase(privateKey, enc, info, aad, ciphertext);
    expect(opened).toEqual(plaintext);
    expect(left()).toEqual([opened]);
    forget();
    const reopened = reopenBase(publicKey, ephemeral, enc, info, aad, ciphertext);
    expect(left()).toEqual([reopened]);
    expect(reopened).toEqual(plaintext);
  });

  it('when it does not open', () => {
    const bad = ciphertext.slice();
    bad[3] = (bad[3] ?? 0) ^ 1;
    expect(openBase(privateKey, enc, info, aad, bad)).toBeUndefined();
    expect(openBase(random(), enc, info, aad, ciphertext)).toBeUndefined();
    expect(openBase(privateKey, enc, info, aad, ciphertext.subarray(0, 15))).toBeUndefined();
    expect(reopenBase(publicKey, ephemeral, enc, info, aad, bad)).toBeUndefined();
    expect(reopenBase(publicKey, random(), enc, info, aad, ciphertext)).toBeUndefined();
    expect(made.length).toBeGreaterThan(10);
    expect(left()).toEqual([]);
  });

  it('when the public key has a small order, or is asked whether it has', () => {
    expect(() => sealBase(new Uint8Array(32), info, aad, plaintext)).toThrow('small order');
    expect(drawn).toHaveLength(1);
    expect(hasSmallOrder(publicKey)).toBe(false);
    expect(allocated.length).toBeGreaterThan(3);
    expect(left()).toEqual([]);
  });

  it('and the keys that were given stay', () => {
    const given = [privateKey, ephemeral, plaintext].map((bytes) => bytes.slice());
    sealBase(publicKey, info, aad, plaintext, ephemeral);
    openBase(privateKey, enc, info, aad, ciphertext);
    expect([privateKey, ephemeral, plaintext]).toEqual(given);
  });
});
