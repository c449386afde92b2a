import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CborValue, concat, encodeCbor } from '../../../src/bytes/index.ts';
import {
  checkTag,
  decodeRecipients,
  encodeRecipients,
  entryTagKey,
  makeRecipient,
} from '../../../src/envelope/format/recipients.ts';
import { rawMap, rawPairs } from '../../vectors/waxseal/make/craft.ts';
import { hex, random, refused } from './objects.ts';

const tagKey = entryTagKey(random(32), random(32));
const fields = (): Map<number | string, CborValue> =>
  new Map<number | string, CborValue>([
    [1, 'local:a'],
    [2, '1'],
    [3, 1],
    [4, random(72)],
    [5, 7],
    [9, random(16)],
  ]);
const list = (...entries: CborValue[]): Uint8Array => encodeCbor(entries);
const with_ = (key: number | string, value: CborValue | undefined): Uint8Array => {
  const changed = fields();
  if (value === undefined) changed.delete(key);
  else changed.set(key, value);
  return list(changed);
};

describe('recipients (SPEC section 7)', () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter((s) => s.isWellFormed());
  const entries = fc.uniqueArray(
    fc.tuple(
      text,
      text,
      fc.integer({ min: 0, max: 2 ** 53 - 1 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 253_402_300_799 }),
    ),
    { minLength: 1, maxLength: 32, selector: ([uri, version, algorithm]) => JSON.stringify([uri, version, algorithm]) },
  );

  it('round trip, tags valid, byte for byte', () => {
    fc.assert(
      fc.property(entries, (made) => {
        const recipients = made.map(([uri, version, algorithm, wrap, at]) =>
          makeRecipient({ uri, version, algorithm, wrap }, at, tagKey),
        );
        const bytes = encodeRecipients(recipients);
        const again = decodeRecipients(bytes, 'x');
        expect(again).toEqual(recipients);
        expect(encodeRecipients(again)).toEqual(bytes);
        expect(again.every((entry) => checkTag(entry, tagKey) === 'valid')).toBe(true);
      }),
    );
  });

  it('the tag covers every field of the entry but itself', () => {
    const entry = makeRecipient({ uri: 'local:a', version: '1', algorithm: 1, wrap: random(72) }, 7, tagKey);
    const bytes = encodeRecipients([entry]);
    let judged = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit % 8));
      let read;
      try {
        read = decodeRecipients(changed, 'x');
      } catch {
        continue;
      }
      judged += 1;
      for (const one of read) expect(checkTag(one, tagKey)).not.toBe('valid');
    }
    expect(judged).toBeGreaterThan(500);
    expect(checkTag({ ...entry, tag: undefined }, tagKey)).toBe('missing');
  });

  it('carries what it does not know, byte for byte, and never tries it', () => {
    const unknown: readonly (readonly [number, CborValue])[] = [
      [6, 'branch'],
      [7, [1, 2]],
      [8, 4],
      [10, true],
      [23, 2n ** 60n],
    ];
    for (const [key, value] of unknown) {
      const bytes = with_(key, value);
      const [entry] = decodeRecipients(bytes, 'x');
      expect(entry?.supported, String(key)).toBe(false);
      expect(encodeRecipients(decodeRecipients(bytes, 'x'))).toEqual(bytes);
    }
    for (const [key, value] of [
      [24, 1],
      [8, 3],
      [2 ** 40, 'x'],
    ] as const) {
      expect(decodeRecipients(with_(key, value), 'x')[0]?.supported, String(key)).toBe(true);
    }
  });

  const URI = 'the key URI of an entry is missing or too long';
  const VERSION = 'the key version of an entry is missing or too long';
  const WRAP = 'the wrap of an entry is missing or too long';
  const POSITIVE = 'a key of an entry is not a positive integer';
  it.each([
    ['no URI', with_(1, undefined), URI],
    ['an empty URI', with_(1, ''), URI],
    ['a URI of 513 bytes in fewer characters', with_(1, `${'é'.repeat(256)}x`), URI],
    ['a URI that is bytes', with_(1, random(3)), URI],
    ['no version', with_(2, undefined), VERSION],
    ['a version that is a number', with_(2, 1), VERSION],
    ['a version of 257 bytes', with_(2, 'v'.repeat(257)), VERSION],
    ['an algorithm of 2^53', with_(3, 2n ** 53n), 'the algorithm of an entry is not an unsigned integer'],
    ['no algorithm', with_(3, undefined), 'the algorithm of an entry is not an unsigned integer'],
    ['no wrap', with_(4, undefined), WRAP],
    ['a wrap that is text', with_(4, 'w'), WRAP],
    ['a wrap of 2,049 bytes', with_(4, random(2049)), WRAP],
    ['a time after 9999', with_(5, 253_402_300_800), 'the time of an entry is not a time'],
    ['a time that is text', with_(5, 'noon'), 'the time of an entry is not a time'],
    ['flags of 2^53', with_(8, 2n ** 53n), 'the flags of an entry are not an unsigned integer'],
    ['a tag of 17 bytes', with_(9, random(17)), 'the tag of an entry is not 16 bytes'],
    ['a tag of 15 bytes', with_(9, random(15)), 'the tag of an entry is not 16 bytes'],
    ['a tag of 16 characters', with_(9, 't'.repeat(16)), 'the tag of an entry is not 16 bytes'],
    ['field 0', with_(0, 1), POSITIVE],
    ['a text field', with_('x', 1), POSITIVE],
    ['an entry that is an array', list([1]), 'an entry is not a map'],
    ['a map', encodeCbor(fields()), 'the list is not an array'],
    ['the same entry twice', list(fields(), fields()), 'two entries for local:a version 1'],
  ])('refuses %s, and says so', (_, bytes, why) =>
    refused(() => decodeRecipients(bytes, 'x'), 'ERR_MALFORMED', `the recipients of x are malformed: ${why}`),
  );

  it('takes entries that differ in URI, version or algorithm', () => {
    const entries = [fields(), fields().set(1, 'local:b'), fields().set(2, '2'), fields().set(3, 2)];
    expect(decodeRecipients(list(...entries), 'x')).toHaveLength(4);
  });

  it('tells what an entry says, or does not', () => {
    const [full] = decodeRecipients(with_(8, 3), 'x');
    expect(full).toMatchObject({ uri: 'local:a', version: '1', algorithm: 1, wrappedAt: 7, flags: 3 });
    expect(full?.wrap).toEqual(full?.fields.get(4));
    expect(full?.tag).toEqual(full?.fields.get(9));
    const [bare] = decodeRecipients(with_(5, undefined), 'x');
    expect(bare).toMatchObject({ wrappedAt: undefined, flags: 0 });
    expect(decodeRecipients(with_(9, undefined), 'x')[0]?.tag).toBeUndefined();
  });

  it('takes the longest that is allowed', () => {
    const longest = fields()
      .set(1, 'é'.repeat(256))
      .set(2, 'v'.repeat(256))
      .set(4, random(2048))
      .set(5, 253_402_300_799);
    expect(decodeRecipients(list(longest), 'x')).toHaveLength(1);
    expect(decodeRecipients(with_(2, ''), 'x')[0]?.version).toBe('');
    expect(decodeRecipients(with_(4, new Uint8Array(0)), 'x')[0]?.wrap).toHaveLength(0);
  });

  it('counts: 1 to 32', () => {
    const many = (n: number): Uint8Array => list(...Array.from({ length: n }, (_, i) => fields().set(2, String(i))));
    expect(decodeRecipients(many(32), 'x')).toHaveLength(32);
    for (const count of [33, 0]) {
      const message = `x has ${String(count)} recipients; 1 to 32 are allowed`;
      refused(() => decodeRecipients(many(count), 'x'), 'ERR_LIMIT_EXCEEDED', message);
    }
  });
});

describe('ATTACKS 22 in the recipients', () => {
  const raw = (change: (pairs: [Uint8Array, Uint8Array][]) => Uint8Array): Uint8Array =>
    concat(hex('81'), change(rawPairs(fields())));
  const replaced = (key: number, value: string): Uint8Array =>
    raw((pairs) => rawMap(pairs.map((pair) => (pair[0][0] === key ? [pair[0], hex(value)] : pair))));

  it('the entry that the others change is right', () => expect(decodeRecipients(raw(rawMap), 'x')).toHaveLength(1));

  it.each([
    ['unsorted', raw(([a, b, ...rest]) => rawMap([b, a, ...rest] as [Uint8Array, Uint8Array][]))],
    ['a duplicate key', raw(([a, ...rest]) => rawMap([a, a, ...rest] as [Uint8Array, Uint8Array][]))],
    ['a float', replaced(3, 'f93c00')],
    ['bad UTF-8', replaced(2, '61ff')],
    ['an indefinite list', concat(hex('9f'), raw(rawMap).subarray(1), hex('ff'))],
    ['an indefinite entry', raw((pairs) => concat(hex('bf'), ...pairs.flat(), hex('ff')))],
    ['trailing bytes', concat(raw(rawMap), hex('00'))],
    ['a long integer', replaced(3, '1801')],
    ['a long length', concat(hex('9801'), raw(rawMap).subarray(1))],
    ['a negative integer', replaced(3, '20')],
    ['null', replaced(5, 'f6')],
    ['a tag', replaced(5, 'c107')],
    ['an entry too few', concat(hex('82'), raw(rawMap).subarray(1))],
    ['no bytes', new Uint8Array(0)],
  ])('%s', (_, bytes) => refused(() => decodeRecipients(bytes, 'x'), 'ERR_MALFORMED'));
});

describe('what entries say of themselves', () => {
  const bind = random(32);
  const dataKey = random(32);
  const wrapped = { uri: 'local:a', version: '1', algorithm: 1, wrap: random(72) };

  it('the tag key is X(DEK, "waxseal/1 entry", bind, 32)', () => {
    const info = concat(new TextEncoder().encode('waxseal/1 entry\0'), bind, Uint8Array.of(1));
    const expected = createHmac('sha384', dataKey).update(info).digest().subarray(0, 32);
    expect(entryTagKey(dataKey, bind)).toEqual(new Uint8Array(expected));
  });

  it('a tag is valid, missing or invalid', () => {
    const recipient = makeRecipient(wrapped, 7, tagKey);
    expect(checkTag(recipient, tagKey)).toBe('valid');
    expect(checkTag(recipient, random(32))).toBe('invalid');
    expect(checkTag({ ...recipient, tag: undefined }, tagKey)).toBe('missing');
  });

  it('a wrap that no entry can hold is refused where it is made', () => {
    expect(() => makeRecipient({ ...wrapped, version: 'x'.repeat(257) }, 7, tagKey)).toThrow(
      'the recipients of a new recipient are malformed',
    );
  });

  it('a list that is not canonical is named', () => {
    expect(() => decodeRecipients(Uint8Array.of(0x18, 1), 'x')).toThrow(
      'the recipient list of x is not canonical CBOR',
    );
  });
});
