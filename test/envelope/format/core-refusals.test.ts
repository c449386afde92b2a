import { describe, expect, it } from 'vitest';
import { type CborValue, encodeCbor } from '../../../src/bytes/index.ts';
import { type Core, decodeCore, encodeCore } from '../../../src/envelope/format/core.ts';
import { DEFAULT_SEGMENT, MAX_HEAD1_OFFSET, MAX_PREFIX } from '../../../src/envelope/format/limits.ts';
import { random, refused } from './objects.ts';

const core: Core = { id: random(16), type: 1, segmentLength: 4096, context: { a: 'b' }, created: 1, size: 100 };
const root = new Map<number, CborValue>([
  [1, random(16)],
  [2, 7],
]);

/** A core in which some fields have another value, or none. */
function coreWith(...changes: readonly (readonly [key: number | string, value: CborValue | undefined])[]): Uint8Array {
  const fields = new Map<number | string, CborValue>([
    [1, 1],
    [2, core.id],
    [3, 1],
    [4, 1],
    [5, 4096],
    [6, new Map([['a', 'b']])],
    [7, 1],
    [8, 100],
  ]);
  for (const [key, value] of changes) {
    if (value === undefined) fields.delete(key);
    else fields.set(key, value);
  }
  return encodeCbor(fields);
}

const context = (length: number): Map<string, string> => new Map([['a', 'x'.repeat(length)]]);

describe('a core that is refused says what is wrong with which object', () => {
  it.each([
    ['a list', encodeCbor([1]), 'the core is not a map'],
    ['a text key', coreWith(['z', 1]), 'a key of the core is not an unsigned integer'],
    ['no context', coreWith([6, undefined]), 'the encryption context is not a map'],
    ['a context that is text', coreWith([6, 'a']), 'the encryption context is not a map'],
    [
      'a number in the context',
      coreWith([6, new Map([['a', 1]])]),
      'the encryption context holds something else than text',
    ],
    [
      'a number as its key',
      coreWith([6, new Map([[1, 'a']])]),
      'the encryption context holds something else than text',
    ],
    ['no id', coreWith([2, undefined]), 'the id is not 16 bytes'],
    ['an id of 15 bytes', coreWith([2, random(15)]), 'the id is not 16 bytes'],
    ['an id of 17 bytes', coreWith([2, random(17)]), 'the id is not 16 bytes'],
    ['an id of 16 characters', coreWith([2, 'x'.repeat(16)]), 'the id is not 16 bytes'],
    ['no segment length', coreWith([5, undefined]), 'the segment length is not an unsigned integer'],
    ['no creation time', coreWith([7, undefined]), 'the creation time is not an unsigned integer'],
    ['a size that is text', coreWith([8, '1']), 'the size is not an unsigned integer'],
    ['a tree root without its tree', coreWith([3, 2]), 'a tree root has no tree id'],
    ['a tree of what is no root', coreWith([9, root]), 'the tree field is not what a tree root has'],
    ['a tree that is no map', coreWith([3, 2], [9, 1]), 'the tree field is not what a tree root has'],
    [
      'a tree of three fields',
      coreWith([3, 2], [9, new Map(root).set(3, 1)]),
      'the tree field is not what a tree root has',
    ],
    ['a tree id of 15 bytes', coreWith([3, 2], [9, new Map(root).set(1, random(15))]), 'the tree id is not 16 bytes'],
    [
      'a tree without a number',
      coreWith([3, 2], [9, new Map<number, CborValue>([...root].slice(0, 1)).set(3, 1)]),
      'the tree sequence number is not an unsigned integer',
    ],
  ])('%s', (_, bytes, why) =>
    refused(() => decodeCore(bytes, 'x'), 'ERR_MALFORMED', `the head of x is malformed: ${why}`),
  );

  it.each([
    ['field 0', coreWith([0, 1]), 'the core of x has the field 0, which this waxseal must know and does not'],
    ['field 10', coreWith([10, 1]), 'the core of x has the field 10, which this waxseal must know and does not'],
    ['version 2', coreWith([1, 2]), 'the core of x is of an unknown version'],
    ['suite 2', coreWith([4, 2]), 'x uses an unknown payload suite'],
    ['type 0', coreWith([3, 0]), 'x is of an unknown type'],
    ['type 4', coreWith([3, 4]), 'x is of an unknown type'],
  ])('%s', (_, bytes, message) => refused(() => decodeCore(bytes, 'x'), 'ERR_UNSUPPORTED_VERSION', message));

  it.each([
    ['a segment too short', coreWith([5, 4095]), 'the segment length of x is outside 4 KiB to 4 MiB'],
    ['a segment too long', coreWith([5, 4 * 2 ** 20 + 1]), 'the segment length of x is outside 4 KiB to 4 MiB'],
    ['a year too late', coreWith([7, 253_402_300_800]), 'the creation time of x is after the year 9999'],
    ['2^53 seconds', coreWith([7, 2n ** 53n]), 'the creation time of x is over 2^53'],
    ['a size too large', coreWith([8, 2 ** 40 * 4064 + 1]), 'the size of x needs more than 2^40 segments'],
    ['a size of 2^53', coreWith([8, 2n ** 53n]), 'the size of x is over 2^53'],
    ['a context too long', coreWith([6, context(4091)]), 'the encryption context of x is over 4 KiB'],
  ])('%s', (_, bytes, message) => refused(() => decodeCore(bytes, 'x'), 'ERR_LIMIT_EXCEEDED', message));

  it.each([
    ['the shortest segment', coreWith([5, 4096])],
    ['the longest segment', coreWith([5, 4 * 2 ** 20])],
    ['the last second', coreWith([7, 253_402_300_799])],
    ['the largest size', coreWith([8, 2 ** 40 * 4064])],
    ['the longest context', coreWith([6, context(4090)])],
    ['secrets', coreWith([3, 3])],
    ['a tree root', coreWith([3, 2], [9, root])],
  ])('takes %s', (_, bytes) => {
    expect(encodeCore(decodeCore(bytes, 'x'))).toEqual(bytes);
  });
});

describe('a core that cannot be written', () => {
  it('has a context of more than 4 KiB, encoded', () => {
    expect(() => encodeCore({ ...core, context: { a: 'x'.repeat(4090) } })).not.toThrow();
    expect(() => encodeCore({ ...core, context: { a: 'x'.repeat(4091) } })).toThrow(
      new RangeError('the encryption context is over 4096 bytes'),
    );
  });

  it('has a size of more than 2^40 segments', () => {
    expect(() => encodeCore({ ...core, size: 2 ** 40 * 4064 + 1 })).toThrow(
      new RangeError('the plaintext needs more than 2^40 segments'),
    );
  });

  it('has more than 16 KiB', () => {
    const withId = (length: number): Uint8Array => encodeCore({ ...core, id: new Uint8Array(length) });
    const longest = 16_000 + 16 * 1024 - withId(16_000).length;
    expect(withId(longest)).toHaveLength(16 * 1024);
    expect(() => withId(longest + 1)).toThrow(new RangeError('the core is over 16384 bytes'));
  });
});

it('says what is not canonical', () => {
  refused(() => decodeCore(Uint8Array.of(0x18, 1), 'x'), 'ERR_MALFORMED', undefined);
  expect(() => decodeCore(Uint8Array.of(0x18, 1), 'x')).toThrow('the core of x is not canonical CBOR');
});

it('limits that are numbers are those of SPEC.md', () => {
  expect([MAX_HEAD1_OFFSET, DEFAULT_SEGMENT, MAX_PREFIX]).toEqual([196_608, 262_144, 180_224]);
});
