/** Our decoder against cborg: the same bytes are accepted, with the same value. */
import { decodeFirst, encode, rfc8949EncodeOptions, Tokenizer, Type } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCanonicalCborFirst, encodeCbor, type CborValue } from '../../src/bytes/index.ts';
import { scaled } from '../tier.ts';

const STRICT = {
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: true,
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
} as const;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** cborg's own decoder drops a leading U+FEFF. */
class ExactText extends Tokenizer {
  override next(): ReturnType<Tokenizer['next']> {
    const token = super.next();
    if (Type.equals(token.type, Type.string) && token.byteValue !== undefined)
      token.value = UTF8.decode(token.byteValue);
    return token;
  }
}

/** Decodes with a library that accepts more, checks the types, encodes again and compares. */
function reference(bytes: Uint8Array): { readonly value: unknown; readonly length: number } | undefined {
  try {
    const [value, rest] = decodeFirst(bytes, { ...STRICT, tokenizer: new ExactText(bytes, STRICT) }) as [
      unknown,
      Uint8Array,
    ];
    assertPlain(value, 0);
    const length = bytes.length - rest.length;
    const same = Buffer.compare(encode(value, rfc8949EncodeOptions), bytes.subarray(0, length)) === 0;
    return same ? { value, length } : undefined;
  } catch {
    return undefined;
  }
}

function assertPlain(value: unknown, depth: number): void {
  if (depth > 8) throw new RangeError('too deep');
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return;
  if (typeof value === 'bigint' && value >= 0n) return;
  if (Array.isArray(value)) {
    for (const item of value) assertPlain(item, depth + 1);
    return;
  }
  if (!(value instanceof Map)) throw new TypeError('a type that the format does not use');
  for (const [key, item] of value as Map<unknown, unknown>) {
    if (typeof key !== 'string' && typeof key !== 'number') throw new TypeError('a key of another type');
    assertPlain(key, depth + 1);
    assertPlain(item, depth + 1);
  }
}

function ours(bytes: Uint8Array): { readonly value: unknown; readonly length: number } | undefined {
  try {
    const { value, rest } = decodeCanonicalCborFirst(bytes, 'x');
    return { value, length: bytes.length - rest.length };
  } catch {
    return undefined;
  }
}

const { value } = fc.letrec<{ value: CborValue; map: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.nat(),
    fc.maxSafeNat(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.boolean(),
    fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => text.isWellFormed()),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
    tie('map'),
  ),
  map: fc
    .array(fc.tuple(fc.oneof(fc.maxSafeNat(), fc.string({ maxLength: 10 })), tie('value')), { maxLength: 5 })
    .map((entries) => new Map(entries)),
}));

/** A head (RFC 8949 section 3) whose argument has at least 2^(form - 1) bytes, in `form` 0 as few as it can. */
function head(major: number, argument: number, form: number): number[] {
  const size = Math.max(form, argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : 3);
  if (size === 0) return [(major << 5) | argument];
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(argument));
  return [(major << 5) | (23 + size), ...bytes.subarray(8 - 2 ** (size - 1))];
}

const rarely = <T>(usual: T, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
const form = rarely(0, fc.nat(4));
const argument = fc.oneof(fc.nat(3), fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1));
const number = fc.tuple(argument, form).map(([n, wide]) => head(0, n, wide));
const text = fc
  .tuple(
    fc.constantFrom('', '61', '62', '6161', 'efbbbf', 'efbbbf61', 'efbfbd', 'c3a9', 'f09f9880', 'c080', 'eda080', 'ff'),
    fc.constantFrom(2, 3, 3, 3),
    form,
  )
  .map(([hex, major, wide]) => [...head(major, hex.length / 2, wide), ...Buffer.from(hex, 'hex')]);
const inKeyOrder = (a: [number[], number[]], b: [number[], number[]]): number =>
  Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));

/** Bytes of nearly the format: each value stands on a place where a decoder decides, few of them wrong. */
const { almost } = fc.letrec<{ almost: number[] }>((tie) => ({
  almost: fc.oneof(
    { maxDepth: 4 },
    number,
    text,
    rarely([0xf5], fc.constantFrom<number[][]>([0x20], [0xf6], [0xf9, 0x3c, 0], [0xc0, 0x60], [0x9f, 1, 0xff], [0xff])),
    fc
      .tuple(fc.array(tie('almost'), { maxLength: 3 }), form)
      .map(([a, wide]) => [...head(4, a.length, wide), ...a.flat()]),
    fc
      .tuple(
        fc.array(fc.tuple(fc.oneof(number, text), tie('almost')), { maxLength: 3 }),
        form,
        rarely(true, fc.constant(false)),
      )
      .map(([entries, wide, sort]) => [
        ...head(5, entries.length, wide),
        ...(sort ? entries.sort(inKeyOrder) : entries).flat(2),
      ]),
  ),
}));

const RUNS = scaled(20_000, 50_000, 500_000);

describe('CBOR, compared with cborg', () => {
  it('every value comes back, from the bytes that cborg writes', () => {
    fc.assert(
      fc.property(value, (one) => {
        const bytes = encodeCbor(one);
        expect(bytes).toEqual(new Uint8Array(encode(one, rfc8949EncodeOptions)));
        expect(ours(bytes)).toEqual({ value: one, length: bytes.length });
      }),
      { numRuns: RUNS },
    );
  });

  it('what was changed somewhere is accepted by both or by neither', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(), (one, changes, cut) => {
        let bytes = encodeCbor(one);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        if (cut % 3 === 0) bytes = bytes.subarray(0, cut % (bytes.length + 1));
        expect(ours(bytes)).toEqual(reference(bytes));
      }),
      { numRuns: RUNS },
    );
  });

  it('random bytes are accepted by both or by neither', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        expect(ours(bytes)).toEqual(reference(bytes));
      }),
      { numRuns: RUNS },
    );
  });

  it('what is nearly the format is accepted by both or by neither', () => {
    let accepted = 0;
    fc.assert(
      fc.property(almost, rarely(0, fc.nat(9)), (inner, depth) => {
        const bytes = Uint8Array.from([...Array<number>(depth).fill(0x81), ...inner]);
        const expected = reference(bytes);
        expect(ours(bytes)).toEqual(expected);
        if (expected !== undefined) accepted += 1;
      }),
      { numRuns: RUNS },
    );
    // Neither everything nor nothing.
    expect(accepted / RUNS).toBeGreaterThan(0.2);
    expect(accepted / RUNS).toBeLessThan(0.95);
  });

  it('absurd counts and lengths are refused before anything is allocated', () => {
    for (const first of [0x5b, 0x7b, 0x9b, 0xbb]) {
      const bytes = Uint8Array.of(first, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3);
      const before = performance.now();
      expect(ours(bytes)).toBeUndefined();
      expect(performance.now() - before).toBeLessThan(100);
    }
  });
});
