import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hmac } from '../../src/crypto/hmac.ts';

/** Memory that was asked for, and what Node made. */
const { allocated, adopted } = vi.hoisted(() => ({ allocated: [] as Uint8Array[], adopted: [] as Uint8Array[] }));

vi.mock('../../src/crypto/secrets.ts', async (original) => {
  const real = await original<typeof import('../../src/crypto/secrets.ts')>();
  const note = (to: Uint8Array[], bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    to.push(bytes);
    return bytes;
  };
  return {
    ...real,
    allocateSecret: (length: number) => note(allocated, real.allocateSecret(length)),
    adoptSecret: (made: Buffer) => note(adopted, real.adoptSecret(made)),
  };
});

afterEach(() => {
  adopted.length = 0;
});

const LENGTHS = { sha256: 64, sha384: 128 } as const;

describe('hmac (RFC 2104)', () => {
  it.each(['sha256', 'sha384'] as const)('%s is that of OpenSSL, for any key, message and parts', (algorithm) => {
    const message = fc.uint8Array({ maxLength: 1500, size: 'max' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: LENGTHS[algorithm], size: 'max' }), fc.array(message), (key, parts) => {
        const expected = createHmac(algorithm, key).update(Buffer.concat(parts)).digest();
        expect(hmac(algorithm, key, parts)).toEqual(new Uint8Array(expected));
      }),
    );
  });

  it('RFC 4231, test case 2', () => {
    const parts = [Buffer.from('what do ya want '), Buffer.from('for nothing?')];
    expect(Buffer.from(hmac('sha256', Buffer.from('Jefe'), parts)).toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(Buffer.from(hmac('sha384', Buffer.from('Jefe'), parts)).toString('hex')).toBe(
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    );
  });

  it('takes no key over one block, which would have to be hashed first', () => {
    expect(() => hmac('sha256', new Uint8Array(65), [])).toThrow(
      new RangeError('an HMAC key must not be longer than a block'),
    );
    expect(() => hmac('sha384', new Uint8Array(129), [])).toThrow(RangeError);
    expect(() => hmac('sha384', new Uint8Array(65), [])).not.toThrow();
  });

  it('leaves neither key nor message in memory, short or long', () => {
    for (const length of [0, 100, 896, 897, 5000]) {
      const before = allocated.length;
      hmac('sha384', new Uint8Array(48).fill(7), [new Uint8Array(length).fill(9)]);
      // The short ones take what is there from the beginning: 1,024 bytes, of which the key has a block of 128.
      expect(allocated.length - before).toBe(length > 896 ? 1 : 0);
      expect(before).toBeGreaterThan(0);
      for (const memory of allocated) expect(memory.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('gives each result memory of its own, outside the moving heap', () => {
    const one = hmac('sha256', new Uint8Array(32), []);
    const other = hmac('sha256', new Uint8Array(32), []);
    expect(one.buffer).not.toBe(other.buffer);
    expect(one.buffer.byteLength).toBe(32);
    expect(adopted).toEqual([one, other]);
  });

  it('reads the key only', () => {
    const key = new Uint8Array(32).fill(7);
    hmac('sha384', key, [key]);
    expect(key.every((byte) => byte === 7)).toBe(true);
  });
});
