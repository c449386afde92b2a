import { encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CborValue, encodeCbor } from '../../src/bytes/index.ts';

describe('encodeCbor writes what cborg writes with the options of RFC 8949', () => {
  const unsigned = fc.oneof(
    fc.constantFrom(0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    fc.maxSafeNat(),
  );
  const text = fc.string({ unit: 'binary', maxLength: 300, size: 'max' }).map((s) => s.toWellFormed());
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      unsigned,
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      text,
      fc.boolean(),
      fc.uint8Array({ maxLength: 300, size: 'max' }),
      fc.array(tie('value'), { maxLength: 30 }),
      fc
        .array(fc.tuple(fc.oneof(unsigned, text), tie('value')), { maxLength: 30 })
        .map((entries) => new Map<number | string, CborValue>(entries)),
    ),
  }));

  it('for everything that the format may hold', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(encodeCbor(original)).toEqual(new Uint8Array(encode(original, rfc8949EncodeOptions)));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['lengths of two bytes', new Uint8Array(70_000)],
    ['long text', '€'.repeat(30_000)],
    ['a long array', Array.from({ length: 300 }, (_, i) => i)],
  ])('for %s', (_, original) => {
    expect(encodeCbor(original)).toEqual(new Uint8Array(encode(original, rfc8949EncodeOptions)));
  });
});

describe('encodeCbor refuses what the format does not use', () => {
  it.each([-1, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('the number %d', (number) => {
    expect(() => encodeCbor(number)).toThrow(RangeError);
    expect(() => encodeCbor(new Map([[1, number]]))).toThrow(RangeError);
  });

  it.each([-1n, 2n ** 64n])('the number %s', (number) => {
    expect(() => encodeCbor(number)).toThrow(RangeError);
  });

  it.each([undefined, null, {}, new Date(0)])('%s', (other) => {
    expect(() => encodeCbor(other as CborValue)).toThrow(TypeError);
    expect(() => encodeCbor([other as CborValue])).toThrow(TypeError);
  });

  it.each([5n, true, Uint8Array.of(1), [1]])('the map key %s', (key) => {
    expect(() => encodeCbor(new Map([[key, 1]]) as unknown as CborValue)).toThrow(TypeError);
    expect(() => encodeCbor([new Map([[key, 1]])] as unknown as CborValue)).toThrow(TypeError);
  });
});
