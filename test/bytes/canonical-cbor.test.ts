import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CborMap,
  type CborValue,
  decodeCanonicalCbor,
  decodeCanonicalCborFirst,
  encodeCbor,
  toHex,
} from '../../src/bytes/index.ts';
import { isWaxsealError } from '../../src/errors/index.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const refused = (text: string): void => {
  try {
    decodeCanonicalCbor(hex(text), 'core');
  } catch (error) {
    expect(isWaxsealError(error, 'ERR_MALFORMED')).toBe(true);
    expect(String(error)).toContain('core');
    return;
  }
  expect.unreachable(`${text} was accepted`);
};

describe('decodeCanonicalCbor takes the deterministic encoding', () => {
  it.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['1b0020000000000000', 2n ** 53n],
    ['1bffffffffffffffff', 2n ** 64n - 1n],
    ['f4', false],
    ['f5', true],
    ['60', ''],
    ['63e282ac', '€'],
    ['40', new Uint8Array()],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['83010203', [1, 2, 3]],
    ['a0', new Map()],
    [
      'a2 01 02 03 04',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      'a2 61 61 01 61 62 02',
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ],
  ] as const)('%s', (text, value) => {
    const decoded = decodeCanonicalCbor(hex(text), 'core');
    expect(decoded).toEqual(value);
    expect(toHex(encodeCbor(decoded))).toBe(text.replaceAll(' ', ''));
  });

  it('map keys in the order of their encoded bytes (RFC 8949 section 4.2.1), however the map was filled', () => {
    const map: CborMap = new Map<number | string, CborValue>([
      ['bb', 1],
      ['c', 2],
      [1000, 3],
      [5, 4],
      ['a', 5],
      [24, 6],
    ]);
    expect(toHex(encodeCbor(map))).toBe('a6' + '0504' + '181806' + '1903e803' + '616105' + '616302' + '62626201');
  });

  it('out of a Buffer as out of any other bytes: neither value nor rest is a Buffer', () => {
    const bytes = Buffer.from('ff420102a0a1', 'hex').subarray(1);
    const { value, rest } = decodeCanonicalCborFirst(bytes, 'core');
    expect(value).toStrictEqual(Uint8Array.of(1, 2));
    expect(rest).toStrictEqual(Uint8Array.of(0xa0, 0xa1));
    // A view: its owner can zero what it came from.
    bytes.fill(0);
    expect(rest).toEqual(Uint8Array.of(0, 0));
  });
});

describe('decodeCanonicalCbor refuses (ATTACKS 22)', () => {
  it.each([
    ['nothing at all', ''],
    ['unsorted map keys', 'a2 03 04 01 02'],
    ['unsorted text keys', 'a2 61 62 01 61 61 02'],
    ['keys sorted by length first where bytes say otherwise', 'a2 61 61 01 05 02'],
    ['a duplicate key', 'a2 01 02 01 03'],
    ['a float that is an integer', 'f9 3c00'],
    ['a float', 'fb 3ff199999999999a'],
    ['NaN', 'f9 7e00'],
    ['infinity', 'f9 7c00'],
    ['bad UTF-8', '61 ff'],
    ['an overlong UTF-8 sequence', '62 c080'],
    ['a surrogate in UTF-8', '63 eda080'],
    ['an indefinite array', '9f 01 ff'],
    ['an indefinite map', 'bf 01 02 ff'],
    ['indefinite bytes', '5f 41 01 ff'],
    ['indefinite text', '7f 61 61 ff'],
    ['trailing bytes', '01 00'],
    ['an integer not in its shortest form, 1 byte', '18 17'],
    ['an integer not in its shortest form, 2 bytes', '19 00ff'],
    ['an integer not in its shortest form, 4 bytes', '1a 0000ffff'],
    ['an integer not in its shortest form, 8 bytes', '1b 00000000ffffffff'],
    ['a length not in its shortest form', '58 01 00'],
    ['a negative integer', '20'],
    ['a negative integer in a map', 'a1 01 20'],
    ['null', 'f6'],
    ['undefined', 'f7'],
    ['another simple value', 'e0'],
    ['a tag', 'c0 60'],
    ['a bignum', 'c2 41 01'],
    ['a map key that is an array', 'a1 80 01'],
    ['a map key that is bytes', 'a1 41 01 01'],
    ['a map key that is a boolean', 'a1 f5 01'],
    ['a map key that is negative', 'a1 20 01'],
    ['a map key past 2^53', 'a1 1b0020000000000000 01'],
    ['a truncated map', 'a2 01 02 03'],
    ['truncated bytes', '44 0102'],
    ['a length far past the end', '5b 7fffffffffffffff 00'],
    ['an array length far past the end', '9b 7fffffffffffffff 00'],
    ['a map length far past the end', 'bb 7fffffffffffffff 00'],
    ['a reserved length', '1c'],
    ['a break alone', 'ff'],
  ])('%s', (_, text) => refused(text));

  it('deep nesting, before it is a problem', () => {
    expect(decodeCanonicalCbor(hex(`${'81'.repeat(8)}00`), 'core')).toBeDefined();
    refused(`${'81'.repeat(9)}00`);
    refused(`${'81'.repeat(16000)}00`);
    refused(`${'a101'.repeat(8000)}00`);
  });

  it('anything but one spelling: what is accepted encodes to the same bytes again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        try {
          expect(encodeCbor(decodeCanonicalCbor(bytes, 'core'))).toEqual(bytes);
        } catch (error) {
          if (!isWaxsealError(error, 'ERR_MALFORMED')) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeCbor', () => {
  const leaf = fc.oneof(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.string({ unit: 'grapheme', maxLength: 10 }),
    fc.boolean(),
    fc.uint8Array({ maxLength: 10 }),
  );
  const key = fc.oneof(fc.integer({ min: 0, max: 2 ** 33 }), fc.string({ unit: 'grapheme', maxLength: 5 }));
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    ),
  }));

  it('round trip of everything the format may hold', () => {
    fc.assert(
      fc.property(value, (original) => {
        const encoded = encodeCbor(original);
        const decoded = decodeCanonicalCbor(encoded, 'core');
        expect(decoded).toEqual(original);
        expect(encodeCbor(decoded)).toEqual(encoded);
      }),
    );
  });

  it('gives memory of its own each time, and decoded bytes are copies', () => {
    const encoded = encodeCbor(Uint8Array.of(1, 2, 3));
    const kept = encoded.slice();
    encodeCbor(Uint8Array.of(9, 9, 9));
    expect(encoded).toEqual(kept);
    expect(encoded.constructor).toBe(Uint8Array);
    const decoded = decodeCanonicalCbor(encoded, 'core') as Uint8Array;
    encoded.fill(0);
    expect(decoded).toEqual(Uint8Array.of(1, 2, 3));
    expect(decoded.constructor).toBe(Uint8Array);
  });
});
