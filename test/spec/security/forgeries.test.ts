/** SPEC.md section 21: what forged slots, heads and blocks can do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor, type CborMap } from '../../../src/bytes/index.ts';
import { MAX_GENERATION } from '../../../src/envelope/format/limits.ts';
import { inspect, open, repair, rewrap, verify, type WaxsealEvent } from '../../../src/index.ts';
import { forgedEntry } from '../../envelope/support/forged.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { slotBytes, slotOf, withSlot } from '../../envelope/rewrap/sealed-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { scaled } from '../../tier.ts';
import { random } from './insider.ts';
import {
  changed,
  entriesOf,
  expectOpens,
  flipped,
  headerOf,
  LAYOUTS,
  outcome,
  partsOf,
  sealAs,
  SEGMENT,
  withHeader,
} from './objects.ts';

const attached = async (key: Parameters<typeof sealAs>[1]): Promise<Uint8Array> =>
  (await sealAs('attached', key)) as Uint8Array;

/** Warnings that opening gave. */
async function warnings(sealed: Uint8Array, key: Parameters<typeof open>[1]): Promise<string[]> {
  const told: string[] = [];
  const observe = ({ warning }: WaxsealEvent): void => void (warning === undefined ? 0 : told.push(warning));
  await open(sealed, key, { observe });
  return told;
}

describe('[S23] One damaged or forged slot of an attached object does no harm', () => {
  const junk = encodeCbor([forgedEntry('local:test', 1)]);
  const forgeries: readonly [
    name: string,
    slot: (sealed: Uint8Array, index: 0 | 1, donor: Uint8Array) => Parameters<typeof withSlot>[2],
  ][] = [
    ['random bytes', () => random(SEGMENT)],
    ['zeros', () => new Uint8Array(SEGMENT)],
    ['a flipped bit', (sealed, index) => flipped(slotBytes(sealed, index), 100)],
    ['the other slot', (sealed, index) => slotBytes(sealed, index === 0 ? 1 : 0)],
    ['a slot of another object', (_, index, donor) => slotBytes(donor, index)],
    ['a newer list of junk', () => ({ generation: 9, list: junk })],
    ['a list of junk as new', () => ({ generation: 1, list: junk })],
    ['a newer list of another object', (_, index, donor) => ({ generation: 9, list: slotOf(donor, index).list })],
    ['a newer list for nobody', () => ({ generation: 9, list: encodeCbor([forgedEntry('local:nobody', 1)]) })],
  ];
  it.each(forgeries.flatMap(([name, slot]) => ([0, 1] as const).map((index) => ({ name, slot, index }))))(
    '$name in slot $index',
    async ({ name, slot, index }) => {
      // In slot B, at the generation of slot A, nobody tries it: the two differ, and that is all there is to tell.
      const tried = !(name === 'a list of junk as new' && index === 1);
      const key = freshKey();
      const [sealed, donor] = [await attached(key), await attached(key)];
      const forged = withSlot(sealed, index, slot(sealed, index, donor));
      await expectOpens(forged, key);
      const { ok, findings } = await verify(forged, key);
      expect({ ok, findings: findings.map(({ severity }) => severity) }).toEqual(
        expect.objectContaining(tried ? { ok: false } : { ok: true, findings: ['warning'] }),
      );
      if (tried) expect(findings.some(({ severity }) => severity === 'error')).toBe(true);
    },
  );

  it('a newest list that does not open is stepped over with a warning', async () => {
    const key = freshKey();
    const forged = withSlot(await attached(key), 1, { generation: 2, list: junk });
    expect(await warnings(forged, key)).toEqual([expect.stringContaining('an older list did')]);
  });
});

describe('[S24] One damaged head of an attached object, or one that no slot fits, does no harm', () => {
  const second = 3 * SEGMENT;
  it.each([0, second])('at %i', async (at) => {
    const key = freshKey();
    const [sealed, donor] = [await attached(key), await attached(key)];
    const withHead = (head: Uint8Array): Uint8Array => {
      const out = sealed.slice();
      out.set(head, at);
      return out;
    };
    const own = sealed.subarray(0, SEGMENT);
    const heads = [
      random(SEGMENT),
      new Uint8Array(SEGMENT),
      ...[0, 8, 9, 12, 16, 20, 24, 40, 70, SEGMENT - 74, SEGMENT - 1].map((offset) => flipped(own, offset, 4)),
      donor.subarray(0, SEGMENT),
    ];
    for (const head of heads) {
      await expectOpens(withHead(head), key);
      expect((await verify(withHead(head), key)).ok).toBe(false);
      if (at === 0) expect(await warnings(withHead(head), key)).toEqual([expect.stringContaining('first head')]);
    }
  });
});

describe('[S25] Whatever stands in slots, heads and blocks, and wherever they are cut, can deny service, and nothing more', () => {
  it.each(LAYOUTS)('%s, property: any bytes anywhere before the segments', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const { segments } = await partsOf(sealed);
    const header = headerOf(sealed);
    const length = layout === 'detached' ? header.length : header.length - segments.length;
    const change = fc.record({
      at: fc.integer({ min: 0, max: length - 1 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const forged = header.slice();
        for (const { at, bytes } of changes) forged.set(bytes.subarray(0, length - at), at);
        const object = withHeader(sealed, forged);
        if ((await outcome(object, key)).startsWith('opens')) {
          const info = await expectOpens(object, key);
          expect(info).toMatchObject({ context: { team: 'vision' }, metadata: { name: 'x.bin' } });
        } else {
          expect(await outcome(object, key)).toMatch(/^ERR_[A-Z_]+$/);
        }
      }),
      { numRuns: scaled(300, 3000, 30_000) },
    );
  });

  it.each(LAYOUTS)(
    '%s, property: any list of forged, repeated and reordered entries, with right hashes',
    async (layout) => {
      const [key, recovery] = [freshKey('local:test'), freshKey('local:recovery')];
      const sealed = await sealAs(layout, [key, recovery]);
      const { list } = await partsOf(sealed);
      const [own, other] = entriesOf(list).map(({ fields }) => fields) as [CborMap, CborMap];
      const entry = fc.oneof(
        fc.constant(own),
        fc.constant(other),
        fc
          .record({
            uri: fc.constantFrom('local:test', 'local:recovery', 'x25519:x'),
            algorithm: fc.nat(3),
            version: fc.string({ maxLength: 3 }),
          })
          .map(({ uri, algorithm, version }) => forgedEntry(uri, algorithm, version)),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
          const object = await changed(sealed, () => ({ list: encodeCbor(entries) }));
          const got = await outcome(object, key);
          if (got === 'opens') await expectOpens(object, key);
          else expect(got).toMatch(/^ERR_(HEADER_DAMAGED|AUTHENTICATION|NO_MATCHING_KEY|KEY_NOT_FOUND)$/);
          // Four tries at most: whoever has one right entry among the first four opens.
          const mine = entries.filter((fields) => fields.get(1) === 'local:test' && fields.get(3) === 1);
          const distinct =
            new Set(entries.map((f) => JSON.stringify([f.get(1), f.get(2), f.get(3)]))).size === entries.length;
          expect(got === 'opens').toBe(distinct && entries.length > 0 && mine.slice(0, 4).includes(own));
        }),
        { numRuns: scaled(200, 2000, 20_000) },
      );
    },
  );

  it.each(LAYOUTS)('%s: cut at every byte before the segments', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const header = headerOf(sealed);
    const { core, meta, segments } = await partsOf(sealed);
    const lengths = core.length + meta.length;
    const head = { attached: SEGMENT, compact: header.length - segments.length, detached: 138 + lengths }[layout];
    const end = { attached: 3 * SEGMENT, compact: head, detached: header.length }[layout];
    const wrong: string[] = [];
    for (let length = 0; length < end; length += layout === 'attached' && length > 200 ? 61 : 1) {
      const code =
        length < 8
          ? 'ERR_NOT_SEALED'
          : length < head
            ? 'ERR_TRUNCATED'
            : // Slot A is whole before the end of slot B.
              layout === 'attached' && length >= 2 * SEGMENT
              ? 'ERR_TRUNCATED'
              : 'ERR_HEADER_DAMAGED';
      const got = await outcome(withHeader(sealed, header.subarray(0, length)), key);
      if (got !== code) wrong.push(`${String(length)}: ${got}, not ${code}`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe('[S26] A forged generation does not stop a rewrap', () => {
  // What it does in all places and with all lists: ATTACKS 25 in test/envelope/rewrap/lies.test.ts.
  it.each([MAX_GENERATION - 1, MAX_GENERATION, MAX_GENERATION + 1, 2 ** 52])('%i', async (generation) => {
    const key = memoryKey();
    const sealed = await attached(key);
    const forged = forgedGeneration(sealed, generation);
    expect((await inspect(forged)).generation).toBe(generation > MAX_GENERATION ? 1 : generation);
    await expectOpens(forged, key);
    const path = join(await temporaryFolder(), 'x.wax');
    await writeFile(path, forged);
    for (let again = 0; again < 3; again += 1) {
      key.bump();
      const report = await rewrap(path, key);
      expect(report.changed).toBe(true);
      expect(report.generation).toBe(
        generation > MAX_GENERATION ? 2 + again : Math.min(generation + 1 + again, MAX_GENERATION),
      );
      expect((await verify(path, key)).findings).toEqual([]);
      expect((await repair(path, key)).repaired).toEqual([]);
    }
  });
});

/** Slot B with the list it has, and any generation. */
function forgedGeneration(sealed: Uint8Array, generation: number): Uint8Array {
  return withSlot(sealed, 1, { generation, list: slotOf(sealed, 1).list });
}
