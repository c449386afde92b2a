import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, encodeCbor, toHex } from '../../../src/bytes/index.ts';
import { bindOf, type Core, decodeCore, encodeCore } from '../../../src/envelope/format/core.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { open, seal } from '../../../src/index.ts';
import { rawMap, rawPairs } from '../../vectors/waxseal/make/craft.ts';
import { freshKey, hex, random, refused } from './objects.ts';

const core: Core = { id: random(16), type: 1, segmentLength: 4096, context: { a: 'b' }, created: 1, size: 100 };
const fieldsOf = (): Map<number | string, never> => {
  const fields = new Map<number | string, unknown>([
    [1, 1],
    [2, core.id],
    [3, 1],
    [4, 1],
    [5, 4096],
    [6, new Map([['a', 'b']])],
    [7, 1],
    [8, 100],
  ]);
  return fields as Map<number | string, never>;
};

describe('core (SPEC section 5)', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((s) => s.isWellFormed());
  const cores = fc.record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    type: fc.constantFrom(1, 3),
    segmentLength: fc.integer({ min: 4096, max: 4 * 1024 * 1024 }),
    context: fc.dictionary(text, text, { maxKeys: 10 }).map((dictionary) => ({ ...dictionary })),
    created: fc.integer({ min: 0, max: 253_402_300_799 }),
    size: fc.option(fc.integer({ min: 0, max: 2 ** 40 * 4064 }), { nil: undefined }),
    tree: fc.constant(undefined),
  });

  it('round trip of every core within the limits', () => {
    fc.assert(
      fc.property(cores, (made) => {
        expect(decodeCore(encodeCore(made), 'x')).toEqual(made);
      }),
    );
  });

  it('round trip of a tree root', () => {
    const tree = { treeId: random(16), seq: 2 ** 53 - 1 };
    expect(decodeCore(encodeCore({ ...core, type: 2, tree }), 'x')).toEqual({ ...core, type: 2, tree });
  });

  it('bind is H("waxseal/1 bind", core)', () => {
    expect(bindOf(Uint8Array.of(1, 2))).toEqual(
      sha256(concat(new TextEncoder().encode('waxseal/1 bind\0'), Uint8Array.of(1, 2))),
    );
  });

  it.each(['\ufeffa', `\ufeff${'a'.repeat(50)}`, 'a\ufeff', '\ufeff', '\u0000', '\uffff', '\u{10ffff}'])(
    'keeps the text %j as it is: an object with it opens again',
    async (value) => {
      expect(decodeCore(encodeCore({ ...core, context: { [value]: value } }), 'x').context).toEqual({ [value]: value });
      const key = freshKey();
      const options = { context: { [value]: value }, metadata: { name: value }, segmentLength: 4096 };
      const sealed = await seal(Uint8Array.of(7), key, options);
      let info: unknown;
      expect(await open(sealed, key, { onInfo: (told) => (info = told) })).toEqual(Uint8Array.of(7));
      expect(info).toMatchObject({ context: { [value]: value }, metadata: { name: value } });
    },
  );

  it('holds names that mean something to JavaScript as plain text', () => {
    const context = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","1":"d"}') as Record<string, string>;
    const decoded = decodeCore(encodeCore({ ...core, context }), 'x').context;
    expect(Object.entries(decoded).sort()).toEqual(Object.entries(context).sort());
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });

  it('refuses on encoding what it would refuse on reading', () => {
    expect(() => encodeCore({ ...core, context: { a: 'x'.repeat(4100) } })).toThrow(RangeError);
    expect(() => encodeCore({ ...core, size: 2 ** 40 * 4064 + 1 })).toThrow(RangeError);
    expect(() => encodeCore({ ...core, size: 2 ** 40 * 4064 })).not.toThrow();
  });
});

describe('ATTACKS 22 in the core', () => {
  const raw = (change: (pairs: [Uint8Array, Uint8Array][]) => Uint8Array): Uint8Array => change(rawPairs(fieldsOf()));
  const replaced = (key: number, value: string): Uint8Array =>
    raw((pairs) => rawMap(pairs.map((pair) => (pair[0][0] === key ? [pair[0], hex(value)] : pair))));

  it('the map that the others change is right', () => {
    expect(decodeCore(raw(rawMap), 'x')).toMatchObject({ ...core });
    expect(toHex(raw(rawMap))).toBe(toHex(encodeCbor(fieldsOf())));
  });

  it.each([
    ['unsorted', raw(([a, b, ...rest]) => rawMap([b, a, ...rest] as [Uint8Array, Uint8Array][]))],
    ['a float', replaced(8, 'f95640')],
    ['a float that is an integer, 8 bytes', replaced(7, 'fb3ff0000000000000')],
    ['bad UTF-8', replaced(6, 'a1 6161 61ff')],
    ['an overlong sequence', replaced(6, 'a1 6161 62c1bf')],
    ['a surrogate', replaced(6, 'a1 6161 63edbfbf')],
    ['a duplicate key', raw(([a, ...rest]) => rawMap([a, a, ...rest] as [Uint8Array, Uint8Array][]))],
    ['a duplicate context key', replaced(6, 'a2 6161 6162 6161 6163')],
    ['an indefinite map', raw((pairs) => concat(hex('bf'), ...pairs.flat(), hex('ff')))],
    ['indefinite bytes', replaced(2, '5f50000102030405060708090a0b0c0d0e0fff')],
    ['trailing bytes', concat(raw(rawMap), hex('00'))],
    ['a long integer', replaced(8, '190064')],
    ['a long key', raw((pairs) => rawMap(pairs.map(([key, value], i) => [i === 0 ? hex('1801') : key, value])))],
    ['a long length of a map', raw((pairs) => concat(hex('b808'), ...pairs.flat()))],
    ['a text key', encodeCbor(new Map<number | string, never>(fieldsOf()).set('x', 1 as never))],
    ['a byte string as key', raw((pairs) => rawMap([...pairs, [hex('4101'), hex('01')]]))],
    ['null', replaced(8, 'f6')],
    ['a tag', replaced(7, 'c101')],
    ['no bytes', new Uint8Array(0)],
  ])('%s', (_, bytes) => refused(() => decodeCore(bytes, 'x'), 'ERR_MALFORMED'));

  it('unknown key 23 is refused, 24 carried and bound', () => {
    const with_ = (key: number): Uint8Array => encodeCbor(new Map(fieldsOf()).set(key, 7 as never));
    for (const key of [0, 10, 11, 22, 23]) refused(() => decodeCore(with_(key), 'x'), 'ERR_UNSUPPORTED_VERSION');
    for (const key of [24, 25, 2 ** 53 - 1]) {
      expect(decodeCore(with_(key), 'x').id).toEqual(core.id);
      expect(bindOf(with_(key))).not.toEqual(bindOf(encodeCbor(fieldsOf())));
    }
  });
});
