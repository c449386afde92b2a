/** SPEC.md section 21: wraps, keys and what the reader expects. */
import { describe, expect, it } from 'vitest';
import type { CborMap } from '../../../src/bytes/index.ts';
import {
  isWaxsealError,
  type KeyProvider,
  type Keys,
  open,
  openObject,
  reseal,
  verify,
  x25519KeyPair,
  x25519Recipient,
} from '../../../src/index.ts';
import { forgedEntry } from '../../envelope/support/forged.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { testRing } from '../../keys/local/rings.ts';
import { random } from './insider.ts';
import {
  changed,
  counting,
  entriesOf,
  entryWith,
  expectOpens,
  flipped,
  LAYOUTS,
  outcome,
  partsOf,
  sealAs,
  type Sealed,
  withEntries,
} from './objects.ts';
import { unboundKey } from './unbound-key.ts';

/** A key of every wrap algorithm that there is, and one whose mechanism binds nothing, as RSA-OAEP does. */
async function keysOfEveryKind(): Promise<readonly { readonly kind: string; readonly key: KeyProvider }[]> {
  const { ring } = await testRing();
  return [
    { kind: '1, local', key: ring.key('default') },
    { kind: '2, hpkeX25519', key: x25519KeyPair(random(32)) },
    { kind: 'one that does not bind', key: unboundKey() },
  ];
}

const entryOf = async (sealed: Sealed): Promise<CborMap> => {
  const [entry] = entriesOf((await partsOf(sealed)).list);
  if (entry === undefined) throw new Error('no entry');
  return entry.fields;
};

describe('[S18] A wrap works for its own object only', () => {
  it.each(LAYOUTS)(
    '%s: moved alone, with its entry, and with the whole list, from an object of any layout',
    async (layout) => {
      for (const { kind, key } of await keysOfEveryKind()) {
        const sealed = await sealAs(layout, key);
        for (const from of LAYOUTS) {
          const donor = await sealAs(from, key);
          const foreign = await entryOf(donor);
          const moved = [
            await withEntries(sealed, () => [foreign]),
            await withEntries(sealed, ([own]) => [entryWith(own as CborMap, { 4: foreign.get(4) })]),
            await withEntries(sealed, ([own]) => [entryWith(foreign, { 9: own?.get(9) })]),
          ];
          for (const object of moved) expect(await outcome(object, key), kind).toBe('ERR_AUTHENTICATION');
        }
        expect(await outcome(sealed, key), kind).toBe('opens');
      }
    },
  );
});

/** Everything that an error tells: of any of two, nothing may be different. */
async function told(sealed: Sealed, keys: Keys): Promise<unknown> {
  try {
    await open(sealed as Uint8Array, keys);
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    const { code, message, next, object, retryable } = error;
    return { code, message, next, object, retryable };
  }
  return 'opens';
}

describe('[S19] A wrap that was changed or cut, made for another object, or made under another key: one error, which does not tell them apart', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const { ring } = await testRing({}, ['default', 'other']);
    const pair = x25519KeyPair(random(32));
    for (const [key, stranger] of [
      [ring.key('default'), ring.key('other')],
      [pair, x25519KeyPair(random(32))],
    ] as const) {
      const sealed = await sealAs(layout, key);
      const [wrap, foreign] = [
        (await entryOf(sealed)).get(4) as Uint8Array,
        (await entryOf(await sealAs(layout, key))).get(4),
      ];
      const { wrap: underAnother } = await stranger.wrap(random(32), random(32));
      const wraps = [
        flipped(wrap, 0),
        flipped(wrap, 30),
        flipped(wrap, 40),
        flipped(wrap, -1),
        wrap.subarray(0, -1),
        Uint8Array.of(...wrap, 0),
        wrap.subarray(0, 39),
        new Uint8Array(0),
        foreign,
        underAnother,
      ];
      const errors = await Promise.all(
        wraps.map(async (other) =>
          told(await withEntries(sealed, ([own]) => [entryWith(own as CborMap, { 4: other })]), key),
        ),
      );
      expect(errors[0]).toMatchObject({ code: 'ERR_AUTHENTICATION' });
      for (const error of errors) expect(error).toEqual(errors[0]);
    }
  });
});

describe('[S20] Only keys of the caller are used, whatever the object names', () => {
  it.each(LAYOUTS)('%s: and each tries at most 4 entries of a list', async (layout) => {
    const [own, other] = [counting(freshKey('local:own')), counting(freshKey('local:other'))];
    const sealed = await sealAs(layout, [own.key, other.key]);
    const before = [own.unwraps(), other.unwraps()];
    await open(sealed as Uint8Array, own.key);
    // The object names both; only the one at hand is asked.
    expect([own.unwraps() - (before[0] ?? 0), other.unwraps() - (before[1] ?? 0)]).toEqual([1, 0]);
    const junk = (count: number) => (entries: readonly CborMap[]) => [
      ...Array.from({ length: count }, (_, i) => forgedEntry(own.key.uri, 1, `1.${String(i)}`)),
      ...entries,
    ];
    const buried = await withEntries(sealed, junk(20));
    const start = own.unwraps();
    await expect(open(buried as Uint8Array, own.key)).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
    expect(own.unwraps() - start).toBe(4);
    await expectOpens(buried, [own.key, other.key]);
    await expectOpens(await withEntries(sealed, junk(3)), own.key);
  });
});

describe('[S21] requireSymmetricWrap refuses to open through a wrap to a public key', () => {
  it.each(LAYOUTS)('%s: and without it the reader is told (ATTACKS 15)', async (layout) => {
    const [own, pair] = [freshKey(), x25519KeyPair(random(32))];
    const required = { requireSymmetricWrap: true };
    const toPublicKey = await sealAs(layout, x25519Recipient(pair.uri));
    expect(await outcome(toPublicKey, pair, required)).toBe('ERR_UNEXPECTED_OBJECT');
    await expect(openObject(toPublicKey, pair, required)).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    await expect(verify(toPublicKey, pair, required)).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    await expect(reseal(toPublicKey as Uint8Array, pair, required)).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
    const { openedBy } = await expectOpens(toPublicKey, pair);
    expect(openedBy).toMatchObject({ uri: pair.uri, symmetricWrap: false });
    // With both it opens through the symmetric one, whatever the order of keys.
    const toBoth = await sealAs(layout, [pair, own]);
    const info = await expectOpens(toBoth, [pair, own], undefined, required);
    expect(info.openedBy).toMatchObject({ uri: own.uri, symmetricWrap: true });
  });
});

describe('[S22] expectId refuses every object of another id', () => {
  it.each(LAYOUTS)(
    '%s: also the object as it was before a reseal; expectContext one without the entry',
    async (layout) => {
      const key = freshKey();
      const sealed = await sealAs(layout, key);
      const { id } = await expectOpens(sealed, key);
      const resealed = (await reseal(sealed as Uint8Array, key)) as Sealed;
      const { id: newId } = await expectOpens(resealed, key);
      const stranger = await sealAs(layout, key, { context: { team: 'speech' } });
      expect(await outcome(sealed, key, { expectId: id })).toBe('opens');
      expect(await outcome(resealed, key, { expectId: newId, expectContext: { team: 'vision' } })).toBe('opens');
      for (const [object, options] of [
        [stranger, { expectId: id }],
        [sealed, { expectId: newId }],
        [resealed, { expectId: id }],
        [stranger, { expectContext: { team: 'vision' } }],
        [sealed, { expectContext: { team: 'vision', project: 'x' } }],
      ] as const) {
        expect(await outcome(object, key, options)).toBe('ERR_UNEXPECTED_OBJECT');
        await expect(openObject(object, key, options)).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
        await expect(verify(object, key, options)).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
        const resealing = reseal(object as Uint8Array, key, options);
        await expect(resealing).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
      }
      // An id that somebody wrote into another object does not help it.
      const { core } = await partsOf(sealed);
      const renamed = await changed(stranger, () => ({ core }));
      expect(await outcome(renamed, key, { expectId: id })).toBe('ERR_AUTHENTICATION');
    },
  );
});
