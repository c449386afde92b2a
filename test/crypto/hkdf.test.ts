import { createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandLabel, hkdfExpand } from '../../src/crypto/hkdf.ts';

const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha384', key).update(data).digest();

describe('hkdfExpand (RFC 5869, SHA-384)', () => {
  it('is the second half of Node’s HKDF, for any salt, input, info and length', () => {
    const part = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(part, part, part, fc.integer({ min: 1, max: 48 }), (input, salt, info, length) => {
        // RFC 5869 section 2.2: PRK = HMAC(salt, input), an absent salt being HashLen zeros.
        const prk = hmac(salt.length === 0 ? new Uint8Array(48) : salt, input);
        const expected = new Uint8Array(hkdfSync('sha384', input, salt, info, length));
        expect(hkdfExpand(prk, [info], length)).toEqual(expected);
      }),
    );
  });

  it('takes info in parts', () => {
    const prk = new Uint8Array(48).fill(7);
    const whole = Uint8Array.of(1, 2, 3, 4, 5);
    const parts = [whole.subarray(0, 2), new Uint8Array(), whole.subarray(2)];
    expect(hkdfExpand(prk, parts, 32)).toEqual(hkdfExpand(prk, [whole], 32));
    expect(hkdfExpand(prk, [], 32)).toEqual(hkdfExpand(prk, [new Uint8Array()], 32));
  });

  it('gives a prefix for a shorter length', () => {
    const prk = new Uint8Array(48).fill(7);
    expect(hkdfExpand(prk, [], 16)).toEqual(hkdfExpand(prk, [], 48).subarray(0, 16));
  });

  it.each([0, -1, 49, 1000, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a length of %d', (length) => {
    expect(() => hkdfExpand(new Uint8Array(48), [], length)).toThrow(new RangeError('hkdfExpand gives 1 to 48 bytes'));
  });

  it('gives memory of its own and leaves key and info alone', () => {
    const prk = new Uint8Array(48).fill(7);
    const info = Uint8Array.of(1, 2);
    const out = hkdfExpand(prk, [info], 32);
    // One block, of which the rest is zero.
    expect(out.buffer.byteLength).toBe(48);
    expect(new Uint8Array(out.buffer, 32)).toEqual(new Uint8Array(16));
    expect(prk.every((byte) => byte === 7)).toBe(true);
    expect(info).toEqual(Uint8Array.of(1, 2));
  });
});

describe('expandLabel', () => {
  it('is HKDF-Expand over label ‖ 00 ‖ x', () => {
    const key = new Uint8Array(32).fill(9);
    const info = Buffer.concat([Buffer.from('waxseal/1 meta'), Buffer.of(0), Buffer.of(5, 6)]);
    const block = hmac(key, Buffer.concat([info, Buffer.of(1)]));
    const out = expandLabel(key, 'waxseal/1 meta', [Uint8Array.of(5), Uint8Array.of(6)], 32);
    expect(out).toEqual(new Uint8Array(block.subarray(0, 32)));
  });

  it('separates labels', () => {
    const key = new Uint8Array(32);
    const x = Uint8Array.from(Buffer.from('b'));
    expect(expandLabel(key, 'a', [x], 32)).not.toEqual(expandLabel(key, 'ab', [], 32));
  });

  it('takes ASCII labels only', () => {
    expect(() => expandLabel(new Uint8Array(32), 'wäx', [], 32)).toThrow(TypeError);
  });
});
