import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes/index.ts';
import { hashLabel, sha256 } from '../../src/crypto/hash.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

describe('sha256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of "%s" as in FIPS 180-4', (input, digest) => {
    expect(toHex(sha256(text(input)))).toBe(digest);
  });

  it('hashes its parts in order', () => {
    expect(sha256(text('a'), text(''), text('bc'))).toEqual(sha256(text('abc')));
    expect(sha256(text('bc'), text('a'))).not.toEqual(sha256(text('abc')));
    expect(sha256()).toEqual(sha256(text('')));
  });

  it('of parts that are longer than the room kept for them', () => {
    const parts = [4000, 96, 1].map((length) => new Uint8Array(length).fill(7));
    const whole = new Uint8Array(4097).fill(7);
    expect(sha256(...parts)).toEqual(sha256(whole));
    expect(sha256(...parts.slice(0, 2))).toEqual(sha256(whole.subarray(1)));
  });

  it('gives a plain Uint8Array of 32 bytes', () => {
    expect(sha256().constructor).toBe(Uint8Array);
    expect(sha256().length).toBe(32);
  });
});

describe('hashLabel', () => {
  it('is SHA-256 over label ‖ 00 ‖ x', () => {
    expect(hashLabel('waxseal/1 bind', text('x'), text('y'))).toEqual(sha256(text('waxseal/1 bind\0xy')));
  });

  it('separates labels from data', () => {
    expect(hashLabel('a', text('b'))).not.toEqual(hashLabel('ab'));
  });
});
