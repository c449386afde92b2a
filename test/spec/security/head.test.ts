/** SPEC.md section 21: what the head says is what was sealed, and its parts belong together. */
import { describe, expect, it } from 'vitest';
import { type CborMap, type CborValue, decodeCanonicalCbor, encodeCbor, writeU32 } from '../../../src/bytes/index.ts';

import { encodeRecipients } from '../../../src/envelope/format/recipients.ts';
import { inspect, openFile, openObject, reseal, verify, x25519KeyPair } from '../../../src/index.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freshKey } from '../../envelope/format/objects.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { expectOnlyWhole } from './mixtures.ts';
import { crafted, entryFor, fieldsOf, random } from './insider.ts';
import {
  changed,
  expectOpens,
  headerOf,
  LAYOUTS,
  objectOf,
  opened,
  outcome,
  partsOf,
  payloadOf,
  placeOfRecipients,
  plaintext,
  sealAs,
  type Sealed,
  SEGMENT,
  withHeader,
  withPayload,
} from './objects.ts';
import { unboundKey } from './unbound-key.ts';

/** The core with a field changed, or taken away. */
function coreWith(core: Uint8Array, field: number, value: CborValue | undefined): Uint8Array {
  const fields = new Map(decodeCanonicalCbor(core, 'the core') as CborMap);
  if (value === undefined) fields.delete(field);
  else fields.set(field, value);
  return encodeCbor(fields);
}

/** A FLOE header that says the segment length of the core. */
function withParams(floeHeader: Uint8Array, segmentLength: number): Uint8Array {
  const out = floeHeader.slice();
  writeU32(out, 2, segmentLength);
  return out;
}

describe('[S8] The core is what was sealed', () => {
  const fields: readonly [what: string, field: number, value: CborValue | undefined][] = [
    ['another id', 2, random(16)],
    ['another type', 3, 3],
    ['another segment length', 5, 8192],
    ['another value in the context', 6, new Map([['team', 'speech']])],
    ['no context', 6, new Map()],
    [
      'more context',
      6,
      new Map([
        ['team', 'vision'],
        ['who', 'me'],
      ]),
    ],
    ['another time', 7, 1],
    ['another size', 8, plaintext.length - 1],
    ['a size as of other segments', 8, 4000],
    ['no size', 8, undefined],
    ['a field that nobody understands', 24, 'x'],
  ];
  it.each(LAYOUTS.flatMap((layout) => fields.map(([what, field, value]) => ({ layout, what, field, value }))))(
    '$layout: $what',
    async ({ layout, field, value }) => {
      // With a wrap that binds the core, and with one that does not; without metadata, which binds it too.
      for (const key of [freshKey(), unboundKey()]) {
        const sealed = await sealAs(layout, key, { metadata: undefined });
        const forged = await changed(sealed, ({ core, floeHeader }) => ({
          core: coreWith(core, field, value),
          floeHeader: field === 5 ? withParams(floeHeader, 8192) : floeHeader,
        }));
        // It stands there, with right hashes: only the key can tell.
        expect((await inspect(headerOf(forged))).lists).toBe('steady');
        const code = field === 3 ? 'ERR_WRONG_TYPE' : 'ERR_AUTHENTICATION';
        expect(await outcome(forged, key)).toBe(code);
        await expect(verify(forged, key)).rejects.toMatchObject({ code });
      }
    },
  );
});

describe('[S9] The private metadata is what was sealed', () => {
  it.each(LAYOUTS)('%s: changed, taken away, put where none was, of another object', async (layout) => {
    const key = freshKey();
    const [sealed, bare] = [await sealAs(layout, key), await sealAs(layout, key, { metadata: undefined })];
    const { meta: foreign } = await partsOf(await sealAs(layout, key));
    const { meta } = await partsOf(sealed);
    const forgeries = [
      meta.slice().fill(0),
      meta.map((byte, i) => (i === 20 ? byte ^ 1 : byte)),
      foreign,
      new Uint8Array(0),
    ];
    for (const forged of forgeries) {
      expect(await outcome(await changed(sealed, () => ({ meta: forged })), key)).toBe('ERR_AUTHENTICATION');
    }
    expect(await outcome(await changed(bare, () => ({ meta })), key)).toBe('ERR_AUTHENTICATION');
    expect((await opened(sealed, key)).info.metadata).toEqual({ name: 'x.bin' });
    expect((await opened(bare, key)).info.metadata).toBeUndefined();
  });
});

describe('[S10] An object of another type never opens as data', () => {
  it.each(LAYOUTS)('%s: every opener refuses it, right as everything else in it is (ATTACKS 9)', async (layout) => {
    const [key, dataKey, folder] = [freshKey(), random(32), await temporaryFolder()];
    for (const type of [1, 2, 3]) {
      const object = await crafted(layout, dataKey, fieldsOf(type), async (bind) =>
        encodeRecipients([await entryFor(key, dataKey, bind)]),
      );
      expect(await outcome(object, key)).toBe(type === 1 ? 'opens' : 'ERR_WRONG_TYPE');
      if (type === 1) continue;
      const refused = { code: 'ERR_WRONG_TYPE' };
      const path = join(folder, `${String(type)}.wax`);
      await writeFile(path, headerOf(object));
      await writeFile(join(folder, `${String(type)}.floe`), payloadOf(object));
      await expect(openObject(object, key)).rejects.toMatchObject(refused);
      await expect(openFile(path, join(folder, 'out'), key)).rejects.toMatchObject(refused);
      await expect(verify(object, key)).rejects.toMatchObject(refused);
      await expect(reseal(path, key)).rejects.toMatchObject(refused);
    }
  });

  it.each(LAYOUTS)('%s: another type in the core of sealed data is refused', async (layout) => {
    const key = freshKey();
    const forged = await changed(await sealAs(layout, key), ({ core }) => ({ core: coreWith(core, 3, 3) }));
    expect(await outcome(forged, key)).toBe('ERR_WRONG_TYPE');
  });
});

describe('[S11] The payload commits to data key, core and metadata', () => {
  it.each(LAYOUTS)(
    '%s: of two holders of keys, each with a data key of their own, one at most opens',
    async (layout) => {
      const [a, b] = [freshKey('local:a'), x25519KeyPair(random(32))];
      const [keyA, keyB] = [random(32), random(32)];
      for (const payloadKey of [keyA, keyB]) {
        // The one who made it holds both data keys, tags both entries, and offers each holder a wrap of another one.
        const object = await crafted(layout, payloadKey, fieldsOf(1), async (bind) =>
          encodeRecipients([await entryFor(a, keyA, bind, payloadKey), await entryFor(b, keyB, bind, payloadKey)]),
        );
        const outcomes = [await outcome(object, a), await outcome(object, b)];
        expect(outcomes).toEqual(
          payloadKey === keyA ? ['opens', 'ERR_AUTHENTICATION'] : ['ERR_AUTHENTICATION', 'opens'],
        );
        expect((await verify(object, [a, b])).ok).toBe(false);
      }
    },
  );

  it('attached: two heads and two slots make no two objects of it: the first head that a slot fits decides for everybody', async () => {
    const [a, b] = [freshKey('local:a'), freshKey('local:b')];
    const [one, two] = [await sealAs('attached', a), await sealAs('attached', b)] as [Uint8Array, Uint8Array];
    // Head 0 and slot A of one, slot B and head 1 of the other.
    const both = one.slice();
    both.set(two.subarray(2 * SEGMENT, 4 * SEGMENT), 2 * SEGMENT);
    expect(await outcome(both, a)).toBe('opens');
    expect(await outcome(both, b)).toBe('ERR_NO_MATCHING_KEY');
  });
});

const other = plaintext.map((byte) => byte ^ 0xff);

describe('[S12] A head, recipients and payload that do not belong together are refused', () => {
  it.each(LAYOUTS)('%s: of the 32 mixtures of two objects two open', async (layout) => {
    for (const key of [freshKey(), unboundKey()]) {
      const [one, two] = [await sealAs(layout, key), await sealAs(layout, key, {}, other)];
      await expectOnlyWhole(await partsOf(one), await partsOf(two), key, [plaintext, other]);
    }
  });
});

describe('[S13] A slot or a recipient block of another object is not valid', () => {
  it.each(LAYOUTS)('%s: as it stands, and with its hash made anew', async (layout) => {
    const key = freshKey();
    const [sealed, donor] = [await sealAs(layout, key), await sealAs(layout, key)];
    const moved = headerOf(sealed).slice();
    const [from, to] = await placeOfRecipients(sealed);
    expect([from, to]).toEqual(await placeOfRecipients(donor));
    moved.set(headerOf(donor).subarray(from, to), from);
    expect((await inspect(moved)).lists).toBe('damaged');
    expect(await outcome(withHeader(sealed, moved), key)).toBe('ERR_HEADER_DAMAGED');
    const { list } = await partsOf(donor);
    const rehashed = await changed(sealed, () => ({ list }));
    expect((await inspect(headerOf(rehashed))).lists).toBe('steady');
    expect(await outcome(rehashed, key)).toBe('ERR_AUTHENTICATION');
  });
});

describe('[S14] After a reseal, the older payload behind the newer head is refused, and the newer payload behind the older head', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const old = await sealAs(layout, key);
    const resealed = (await reseal(old as Uint8Array, key)) as Sealed;
    await expectOpens(resealed, key);
    const [older, newer] = [await partsOf(old), await partsOf(resealed)];
    for (const [head, behind] of [
      [newer, older],
      [older, newer],
    ] as const) {
      expect(await outcome(objectOf({ ...head, segments: behind.segments }), key)).toBe('ERR_AUTHENTICATION');
      // Also where the opponent puts the other FLOE header into the head.
      const { floeHeader, segments } = behind;
      expect(await outcome(objectOf({ ...head, floeHeader, segments }), key)).toBe('ERR_AUTHENTICATION');
    }
    if (layout !== 'detached') return;
    // The pieces as they are, as bytes and as files.
    expect(await outcome(withPayload(resealed, payloadOf(old)), key)).toBe('ERR_AUTHENTICATION');
    expect(await outcome(withPayload(old, payloadOf(resealed)), key)).toBe('ERR_AUTHENTICATION');
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x.wax'), headerOf(resealed));
    await writeFile(join(folder, 'x.floe'), payloadOf(old));
    await expect(openObject(join(folder, 'x.wax'), key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });
});
