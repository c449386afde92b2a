/** SPEC.md section 21: the list of recipients, which no key protects as a whole. */

import { describe, expect, it } from 'vitest';
import type { CborMap } from '../../../src/bytes/index.ts';
import { inspect, reseal, rewrap, verify, type VerifyReport, x25519KeyPair } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { forgedEntry } from '../../envelope/support/forged.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { fileOf, readBack } from './files.ts';
import { random } from './insider.ts';
import {
  entryBytesOf,
  entryWith,
  expectOpens,
  type Fields,
  headerOf,
  LAYOUTS,
  opened,
  outcome,
  sealAs,
  type Sealed,
  withEntries,
} from './objects.ts';

const told = ({ ok, findings }: VerifyReport): unknown => ({ ok, findings: findings.map(({ severity }) => severity) });
const tags = ({ recipients }: VerifyReport): string[] => recipients.map(({ tag }) => tag);
const swapped = ([a, b]: readonly CborMap[]): CborMap[] => [b as CborMap, a as CborMap];

describe('[S27] The order of the entries decides nothing', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const keys = [freshKey('local:a'), x25519KeyPair(random(32)), freshKey('local:c')];
    const sealed = await sealAs(layout, keys);
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const object = await withEntries(sealed, (entries) => order.map((i) => entries[i] as CborMap));
      for (const key of keys) {
        const { openedBy } = await expectOpens(object, key);
        expect(openedBy).toMatchObject({ uri: key.uri, tag: 'valid' });
      }
      const report = await verify(object, keys);
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(tags(report)).toEqual(['valid', 'valid', 'valid']);
    }
  });
});

describe('[S28] An entry changed by somebody who does not hold the data key has no valid tag', () => {
  const changes: readonly [what: string, fields: Fields][] = [
    ['key URI', { 1: 'local:elsewhere' }],
    ['version', { 2: 'newer' }],
    ['algorithm', { 3: 7 }],
    ['wrap', { 4: new Uint8Array(72) }],
    ['time', { 5: 1 }],
    ['flag retiring', { 8: 2 }],
    ['a field that nobody knows', { 24: 'x' }],
    ['tag', { 9: new Uint8Array(16) }],
  ];
  it.each(LAYOUTS.flatMap((layout) => changes.map(([what, fields]) => ({ layout, what, fields }))))(
    '$layout: another $what: an error; the tag taken away as well: a warning',
    async ({ layout, fields }) => {
      const [own, recovery] = [freshKey('local:own'), freshKey('local:recovery')];
      const sealed = await sealAs(layout, [own, recovery]);
      const change = (more: Fields): Promise<Sealed> =>
        withEntries(sealed, ([first, second]) => [
          first as CborMap,
          entryWith(second as CborMap, { ...fields, ...more }),
        ]);
      // Without the recovery key at hand only the tag can tell.
      for (const [object, tag, expected] of [
        [await change({}), 'invalid', { ok: false, findings: ['error'] }],
        [await change({ 9: undefined }), 'missing', { ok: true, findings: ['warning'] }],
      ] as const) {
        await expectOpens(object, own);
        const report = await verify(object, own);
        expect(tags(report)).toEqual(['valid', tag]);
        expect(told(report)).toEqual(expected);
      }
    },
  );

  it.each(LAYOUTS)(
    '%s: a tag of another entry or of another object is a wrong one; without one a single entry is reported only if it is blind',
    async (layout) => {
      const [own, recovery] = [freshKey('local:own'), freshKey('local:recovery')];
      const sealed = await sealAs(layout, [own, recovery]);
      const exchanged = await withEntries(sealed, ([a, b]) => [
        entryWith(a as CborMap, { 9: b?.get(9) }),
        entryWith(b as CborMap, { 9: a?.get(9) }),
      ]);
      expect(told(await verify(exchanged, own))).toEqual({ ok: false, findings: ['error', 'error'] });
      const single = await sealAs(layout, own);
      const untagged = (more: Fields): Promise<Sealed> =>
        withEntries(single, ([entry]) => [entryWith(entry as CborMap, { 9: undefined, ...more })]);
      expect(told(await verify(await untagged({}), own))).toEqual({ ok: true, findings: [] });
      expect(told(await verify(await untagged({ 8: 1 }), own))).toEqual({ ok: true, findings: ['warning'] });
    },
  );
});

/** An attacker with a real key pair: appended, with a wrap of random bytes, and with one of a data key of their own. */
async function appended(sealed: Sealed, tagged: boolean) {
  const attacker = x25519KeyPair(random(32));
  const { wrap } = await attacker.wrap(random(32), random(32));
  const entry = entryWith(forgedEntry(attacker.uri, 2), { 4: wrap, 9: tagged ? random(16) : undefined });
  return { attacker, object: await withEntries(sealed, (entries) => [...entries, entry]) };
}

describe('[S29] An entry appended by somebody who does not hold the data key opens nothing for its key, and takes nothing from the others', () => {
  it.each(LAYOUTS)('%s (ATTACKS 7)', async (layout) => {
    const own = freshKey('local:own');
    for (const tagged of [false, true]) {
      const { attacker, object } = await appended(await sealAs(layout, own), tagged);
      expect(await outcome(object, attacker)).toBe('ERR_AUTHENTICATION');
      await expectOpens(object, own);
      expect(told(await verify(object, own))).toEqual(
        tagged ? { ok: false, findings: ['error'] } : { ok: true, findings: ['warning'] },
      );
    }
  });
});

describe("[S30] A rewrap leaves such an entry byte for byte, and does not make a recipient of any key that the entry names, be it the caller's own", () => {
  it.each(LAYOUTS)('%s (ATTACKS 7)', async (layout) => {
    const [own, other] = [memoryKey('local:own'), memoryKey('local:other')];
    const { attacker, object } = await appended(await sealAs(layout, own), true);
    const forged = await withEntries(object, (entries) => [
      ...entries,
      forgedEntry(other.uri, 1),
      forgedEntry(own.uri, 1, 'x'),
    ]);
    const before = await entryBytesOf(forged);
    const path = await fileOf(forged);
    own.bump();
    const { entries } = await rewrap(path, [own, other]);
    expect(entries.map(({ action }) => action)).toEqual(['renewed', 'kept', 'unproven', 'unproven']);
    const after = await readBack(path, layout);
    expect((await entryBytesOf(after)).slice(1)).toEqual(before.slice(1));
    expect((await entryBytesOf(after))[0]).not.toEqual(before[0]);
    expect(other.calls.wrap).toBe(0);
    await expectOpens(after, own);
    for (const key of [attacker, other]) expect(await outcome(after, key)).toBe('ERR_AUTHENTICATION');
  });
});

describe('[S31] A reseal refuses such an entry (ERR_RECIPIENT_NOT_ALLOWED) unless the caller says to drop it', () => {
  it.each(LAYOUTS)('%s (ATTACKS 7)', async (layout) => {
    const [own, other] = [freshKey('local:own'), freshKey('local:other')];
    for (const tagged of [false, true]) {
      const { attacker, object } = await appended(await sealAs(layout, own), tagged);
      const forged = await withEntries(object, (entries) => [...entries, forgedEntry(other.uri, 1)]);
      const path = await fileOf(forged);
      const wrapped = other.wrapped.length;
      // Also with the keys that the forged entries name at hand.
      for (const keys of [[own], [own, other], [own, attacker, other]]) {
        await expect(reseal(path, keys)).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
        expect(await readBack(path, layout)).toEqual(forged);
      }
      const report = await reseal(path, [own, attacker, other], { dropOthers: true });
      expect(report).toMatchObject({ recipients: [own.uri], dropped: [attacker.uri, other.uri] });
      const after = await readBack(path, layout);
      await expectOpens(after, own);
      for (const key of [attacker, other]) expect(await outcome(after, key)).toBe('ERR_NO_MATCHING_KEY');
      expect(other.wrapped).toHaveLength(wrapped);
    }
  });
});

describe('[S32] A list with one entry twice is not valid: so is its slot or block', () => {
  it.each(LAYOUTS)(
    '%s: under another version it is an entry that opens nothing more, and is reported',
    async (layout) => {
      const [own, recovery] = [freshKey('local:own'), freshKey('local:recovery')];
      const sealed = await sealAs(layout, [own, recovery]);
      for (const i of [0, 1]) {
        const twice = await withEntries(sealed, (entries) => [...entries, entries[i] as CborMap]);
        expect((await inspect(headerOf(twice))).lists).toBe('damaged');
        expect(await outcome(twice, own)).toBe('ERR_HEADER_DAMAGED');
        // Other wrap, time and tag do not make another entry of it.
        const same = { 4: random(72), 5: 1, 9: undefined };
        const changed = await withEntries(sealed, (entries) => [...entries, entryWith(entries[i] as CborMap, same)]);
        expect(await outcome(changed, own)).toBe('ERR_HEADER_DAMAGED');
      }
      const again = await withEntries(sealed, ([a, b]) => [
        a as CborMap,
        b as CborMap,
        entryWith(b as CborMap, { 2: 'other' }),
      ]);
      for (const key of [own, recovery]) await expectOpens(again, key);
      const report = await verify(again, [own, recovery]);
      expect(report.recipients).toMatchObject([
        { unwrap: 'opened', tag: 'valid' },
        { unwrap: 'opened', tag: 'valid' },
        { unwrap: 'failed', tag: 'invalid' },
      ]);
      expect(report.ok).toBe(false);
      // In the other order the key of the two steps over the one that is not right.
      const first = await withEntries(again, (entries) => [entries[2] as CborMap, ...swapped(entries)]);
      expect((await opened(first, recovery)).info.openedBy.tag).toBe('valid');
    },
  );
});
