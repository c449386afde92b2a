/** SPEC.md section 21: one spelling. Every parser, rule by rule: ATTACKS 22 in test/envelope/format and the vectors. */
import { describe, expect, it } from 'vitest';
import { type CborMap, concat, decodeCanonicalCbor, encodeCbor } from '../../../src/bytes/index.ts';
import { encodeRecipients } from '../../../src/envelope/format/recipients.ts';
import { inspect } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { crafted, entryFor, fieldsOf, random } from './insider.ts';
import { changed, headerOf, LAYOUTS, outcome, type Parts, sealAs } from './objects.ts';

/** A map of fewer than 24 pairs, in the order given. */
function mapOf(pairs: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  return concat(Uint8Array.of(0xa0 + pairs.length), ...pairs.flat());
}

const pairsOf = (map: Uint8Array): [Uint8Array, Uint8Array][] =>
  [...(decodeCanonicalCbor(map, 'x') as CborMap)].map(([key, value]) => [encodeCbor(key), encodeCbor(value)]);

/** The value of key 1, a small integer or a text, in a longer form than it needs. */
const longer = (value: Uint8Array): Uint8Array => {
  const [first = 0, ...rest] = value;
  return first < 24 ? Uint8Array.of(0x18, first) : Uint8Array.of(0x78, first & 0x1f, ...rest);
};

/** The same map, otherwise spelt. */
const spellings: readonly [what: string, spell: (map: Uint8Array) => Uint8Array][] = [
  ['keys in another order', (map) => mapOf(pairsOf(map).reverse())],
  ['a key twice', (map) => mapOf([...pairsOf(map).slice(0, 1), ...pairsOf(map)])],
  [
    'a longer form of a length or an integer',
    (map) => mapOf(pairsOf(map).map(([k, v], i) => [k, i === 0 ? longer(v) : v])),
  ],
  ['an indefinite length', (map) => concat(Uint8Array.of(0xbf), ...pairsOf(map).flat(), Uint8Array.of(0xff))],
  ['a float', (map) => mapOf(pairsOf(map).map(([k, v], i) => [k, i === 2 ? Uint8Array.of(0xf9, 0x3c, 0) : v]))],
  ['bad UTF-8', (map) => mapOf([...pairsOf(map), [encodeCbor(24), Uint8Array.of(0x61, 0xff)]])],
  ['a tag', (map) => concat(Uint8Array.of(0xd9, 0xd9, 0xf7), map)],
  ['null', (map) => mapOf([...pairsOf(map), [encodeCbor(24), Uint8Array.of(0xf6)]])],
  ['a byte missing', (map) => map.subarray(0, -1)],
  ['a byte more', (map) => concat(map, Uint8Array.of(0))],
];

const withField = (map: Uint8Array, field: number): Uint8Array =>
  encodeCbor(new Map([...(decodeCanonicalCbor(map, 'x') as CborMap), [field, 'x']]));

describe('[S36] Core and recipients have one spelling', () => {
  const cases = LAYOUTS.flatMap((layout) => spellings.map(([what, spell]) => ({ layout, what, spell })));

  it.each(cases)('$layout: $what in the core', async ({ layout, spell }) => {
    const key = freshKey();
    const forged = await changed(await sealAs(layout, key), ({ core }) => ({ core: spell(core) }));
    expect(await outcome(forged, key)).toBe('ERR_MALFORMED');
  });

  it.each(cases)('$layout: $what in the entry of the list', async ({ layout, spell }) => {
    const key = freshKey();
    const entry = (list: Uint8Array): Uint8Array => list.subarray(1);
    const forge =
      (change: (map: Uint8Array) => Uint8Array) =>
      ({ list }: Parts) => ({
        list: concat(Uint8Array.of(0x81), change(entry(list))),
      });
    const sealed = await sealAs(layout, key);
    expect(
      await outcome(
        await changed(
          sealed,
          forge((map) => map),
        ),
        key,
      ),
    ).toBe('opens');
    const forged = await changed(sealed, forge(spell));
    expect((await inspect(headerOf(forged))).lists).toBe('damaged');
    expect(await outcome(forged, key)).toBe('ERR_HEADER_DAMAGED');
  });

  it.each(LAYOUTS)('%s: core fields 10 to 23 are refused, those from 24 on carried and bound', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    for (let field = 10; field < 24; field += 1) {
      const forged = await changed(sealed, ({ core }) => ({ core: withField(core, field) }));
      expect(await outcome(forged, key)).toBe('ERR_UNSUPPORTED_VERSION');
    }
    const added = await changed(sealed, ({ core }) => ({ core: withField(core, 24) }));
    expect((await inspect(headerOf(added))).lists).toBe('steady');
    expect(await outcome(added, key)).toBe('ERR_AUTHENTICATION');
    // Of somebody who sealed it so, it opens.
    const dataKey = random(32);
    const fields = new Map([...fieldsOf(1), [24, 'x'] as const]);
    const later = await crafted(layout, dataKey, fields, async (bind) =>
      encodeRecipients([await entryFor(key, dataKey, bind)]),
    );
    expect(await outcome(later, key)).toBe('opens');
  });
});
