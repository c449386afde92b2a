import { describe, expect, it } from 'vitest';
import { labeledKdf, NOTHING } from '../../../src/crypto/hpke/labeled-kdf.ts';

const kdf = labeledKdf(Uint8Array.of(1, 2));
const prk = kdf.extract(NOTHING, 'prk', Uint8Array.of(3));

describe('LabeledExpand (RFC 9180 section 4)', () => {
  it('gives 1 to 32 bytes', () => {
    for (const length of [1, 12, 32]) expect(kdf.expand(prk, 'key', NOTHING, length)).toHaveLength(length);
  });

  it.each([0, -1, 33, 255, 1.5, Number.NaN])('refuses a length of %d', (length) => {
    expect(() => kdf.expand(prk, 'key', NOTHING, length)).toThrow(new RangeError('expand gives 1 to 32'));
  });

  it('binds the length, the label, the suite and the input', () => {
    const long = kdf.expand(prk, 'key', NOTHING, 32);
    // RFC 9180 puts the length first, so that a shorter output is no prefix of a longer one.
    expect(kdf.expand(prk, 'key', NOTHING, 16)).not.toEqual(long.subarray(0, 16));
    expect(kdf.expand(prk, 'yek', NOTHING, 32)).not.toEqual(long);
    expect(kdf.expand(prk, 'key', Uint8Array.of(0), 32)).not.toEqual(long);
    expect(labeledKdf(Uint8Array.of(1, 3)).expand(prk, 'key', NOTHING, 32)).not.toEqual(long);
  });
});
