/** Quorum: k of n custodians open together, fewer do not (SPEC section "Quorum"). */
import { describe, expect, it } from 'vitest';
import type { CborMap } from '../../../src/bytes/index.ts';
import {
  addRecipient,
  inspect,
  open,
  openObject,
  type Quorum,
  quorum,
  removeRecipient,
  reseal,
  rewrap,
  seal,
  verify,
} from '../../../src/envelope/index.ts';
import { WaxsealError } from '../../../src/errors/index.ts';
import type { WaxsealEvent } from '../../../src/keys/observer.ts';
import type { KeyProvider } from '../../../src/keys/provider.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { pattern } from '../../support/bytes.ts';
import { containing } from '../../support/matching.ts';
import { type MemoryKey, memoryKey } from '../../support/memory-key.ts';
import { withEntries } from '../support/forged.ts';
import { bytesOfEntries, choices, failing, listOf, unboundKey } from './support.ts';

const plaintext = pattern(5_000);
const pair = (fill: number) => x25519KeyPair(new Uint8Array(32).fill(fill));

/** Custodians of several kinds: symmetric, public keys of people, and one without a binding. */
function custodians(total: number): KeyProvider[] {
  const all = [memoryKey('local:a'), pair(7), memoryKey('local:c'), unboundKey('local:d'), pair(9)];
  return all.slice(0, total);
}

function three(): { keys: [MemoryKey, MemoryKey, MemoryKey]; group: Quorum } {
  const keys: [MemoryKey, MemoryKey, MemoryKey] = [memoryKey('local:a'), memoryKey('local:b'), memoryKey('local:c')];
  return { keys, group: quorum(2, keys) };
}

describe.each([
  [2, 3],
  [3, 5],
  [2, 2],
  [5, 5],
])('quorum %i of %i', (threshold, total) => {
  const layouts = ['attached', 'compact'] as const;

  it.each(layouts)(
    'every subset of that size opens, in any order, and every smaller one fails (%s)',
    async (layout) => {
      const keys = custodians(total);
      const sealed = await seal(plaintext, quorum(threshold, keys), { layout });
      for (let size = 1; size <= total; size++) {
        for (const some of choices(keys, size)) {
          if (size >= threshold) {
            expect(await open(sealed, some)).toEqual(plaintext);
            expect(await open(sealed, [...some].reverse())).toEqual(plaintext);
          } else {
            await expect(open(sealed, some)).rejects.toMatchObject({
              code: 'ERR_NO_MATCHING_KEY',
              message: containing(`takes ${String(threshold)} of ${String(total)} custodians`),
              next: containing('waxseal quorum share'),
            });
          }
        }
      }
    },
  );

  it('asks no more custodians than it takes, and says who opened', async () => {
    const keys = Array.from({ length: total }, (_, at) => memoryKey(`local:k${String(at)}`));
    const group = quorum(threshold, keys);
    const sealed = await seal(plaintext, group);
    for (const key of keys) key.calls.unwrap = 0;
    const object = await openObject(sealed, group);
    const { openedBy } = object.info;
    expect(openedBy).toMatchObject({ uri: group.uri, symmetricWrap: true, tag: 'valid', failed: [] });
    expect(openedBy.custodians?.map(({ uri }) => uri)).toEqual(keys.slice(0, threshold).map(({ uri }) => uri));
    expect(keys.map(({ calls }) => calls.unwrap)).toEqual(keys.map((_, at) => (at < threshold ? 1 : 0)));
    await object.close();
  });
});

describe('a quorum', () => {
  it('stands beside other recipients, and one key may be both', async () => {
    const { keys, group } = three();
    const owner = memoryKey('local:owner');
    const sealed = await seal(plaintext, [owner, keys[0], group]);
    expect(await open(sealed, owner)).toEqual(plaintext);
    expect(await open(sealed, keys[0])).toEqual(plaintext);
    expect(await open(sealed, [keys[1], keys[2]])).toEqual(plaintext);
    await expect(open(sealed, keys[1])).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    const { recipients } = await inspect(sealed);
    expect(recipients.map(({ share }) => share?.index)).toEqual([undefined, undefined, 1, 2, 3]);
    expect(recipients[2]?.share).toEqual({ quorum: group.uri, threshold: 2, custodians: 3, index: 1 });
  });

  it('is opened by the public halves of nobody', async () => {
    const people = [pair(1), pair(2), pair(3)];
    const sealed = await seal(
      plaintext,
      quorum(
        2,
        people.map(({ uri }) => x25519Recipient(uri)),
      ),
    );
    const [alice, bob, carol] = people as unknown as [KeyProvider, KeyProvider, KeyProvider];
    expect(await open(sealed, [alice, carol])).toEqual(plaintext);
    await expect(open(sealed, [alice, x25519Recipient(bob.uri)])).rejects.toMatchObject({
      code: 'ERR_NO_MATCHING_KEY',
    });
  });

  it('with a share to a public key does not count as a symmetric wrap', async () => {
    const [a, b] = [memoryKey('local:a'), memoryKey('local:b')];
    const sealed = await seal(plaintext, quorum(2, [a, pair(5), b]));
    expect(await open(sealed, [a, b, pair(5)], { requireSymmetricWrap: true })).toEqual(plaintext);
    await expect(open(sealed, [a, pair(5)], { requireSymmetricWrap: true })).rejects.toBeInstanceOf(WaxsealError);
    const object = await openObject(sealed, [a, pair(5)]);
    expect(object.info.openedBy.symmetricWrap).toBe(false);
    await object.close();
  });

  it('tells which custodians refused, with what to do', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    const denied = failing(keys[1], () =>
      Promise.reject(new WaxsealError('ERR_KEY_DENIED', 'local:b: not permitted', { next: 'allow unwrap on b' })),
    );
    await expect(open(sealed, [keys[0], denied])).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      message: containing('local:a opened its share; local:b: local:b: not permitted'),
      next: 'allow unwrap on b',
    });
    const object = await openObject(sealed, [denied, keys[0], keys[2]]);
    expect(object.info.openedBy.failed).toMatchObject([{ code: 'ERR_KEY_DENIED' }]);
    await object.close();
  });

  it('refuses what is no quorum', () => {
    const { keys } = three();
    expect(() => quorum(1, keys)).toThrow(/without a quorum/);
    expect(() => quorum(4, keys)).toThrow(RangeError);
    expect(() => quorum(2.5, keys)).toThrow(RangeError);
    expect(() => quorum(2, [keys[0], keys[0]])).toThrow(/named twice/);
    expect(() =>
      quorum(
        2,
        Array.from({ length: 17 }, (_, at) => memoryKey(`local:k${String(at)}`)),
      ),
    ).toThrow(RangeError);
    expect(() => quorum(2, [keys[0], 'local:b' as never])).toThrow(TypeError);
  });

  it('fits 16 custodians into an object, and two quorums of different people', async () => {
    const many = Array.from({ length: 16 }, (_, at) => memoryKey(`local:k${String(at)}`));
    const others = Array.from({ length: 16 }, (_, at) => memoryKey(`local:o${String(at)}`));
    const sealed = await seal(plaintext, [quorum(16, many), quorum(2, others)]);
    expect(await open(sealed, many)).toEqual(plaintext);
    expect(await open(sealed, others.slice(14))).toEqual(plaintext);
    await expect(open(sealed, many.slice(1))).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
  });
});

describe('a share that was changed', () => {
  it('or comes from another object, set or place is refused and named, with a binding and without (attack 13)', async () => {
    for (const make of [memoryKey, unboundKey]) {
      const keys = [make('local:a'), make('local:b'), make('local:c')];
      const group = quorum(2, keys);
      const [one, two] = [await seal(plaintext, group), await seal(plaintext, group)];
      const foreign = (await listOf(two))[0]?.wrap ?? new Uint8Array(0);
      const beside = (await listOf(one))[1]?.wrap ?? new Uint8Array(0);
      for (const wrap of [foreign, beside, foreign.map((byte, at) => (at === 5 ? byte ^ 1 : byte))]) {
        const swapped = await withEntries(one, ([a, ...rest]) => [new Map(a).set(4, wrap), ...rest]);
        await expect(open(swapped, [keys[0], keys[1]] as KeyProvider[])).rejects.toMatchObject({
          code: 'ERR_AUTHENTICATION',
          message: containing('the share of local:a was changed'),
        });
        const warnings: string[] = [];
        const observe = ({ warning }: WaxsealEvent) => void (warning !== undefined && warnings.push(warning));
        expect(await open(swapped, keys, { observe })).toEqual(plaintext);
        expect(warnings).toEqual([containing('the share of local:a is not the one that was sealed')]);
        const report = await verify(swapped, keys);
        expect(report.ok).toBe(false);
        expect(report.findings.map(({ message }) => message).join('\n')).toContain('local:a');
        expect(report.findings.map(({ message }) => message).join('\n')).not.toContain('local:b');
      }
    }
  });

  it('by whoever knows a public key, digest and all, is outvoted and named', async () => {
    const people = [pair(1), pair(2), pair(3)];
    const group = quorum(2, people);
    const sealed = await seal(plaintext, group);
    // The forger wraps another share to the public key of the first, and changes the digest in that entry.
    const [entry] = await listOf(sealed);
    const share = entry?.share;
    if (share === undefined) throw new TypeError('no share');
    const { shareBinding, shareDigest, encodeShare } = await import('../../../src/envelope/format/share.ts');
    const { bind } = await inspect(sealed);
    const forged = new Uint8Array(33).fill(3);
    const digests = [shareDigest(share, 1, forged), ...share.digests.slice(1)];
    const [alice] = people as unknown as [KeyProvider];
    const { wrap } = await alice.wrap(forged, shareBinding(Buffer.from(bind, 'hex'), share));
    const changed = await withEntries(sealed, ([a, ...rest]) => [
      new Map(a).set(4, wrap).set(7, encodeShare({ ...share, digests })),
      ...rest,
    ]);
    await expect(open(changed, people.slice(0, 2))).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: containing(`the share of ${alice.uri} was changed`),
    });
    expect(await open(changed, people)).toEqual(plaintext);
    expect((await verify(changed, people)).ok).toBe(false);
  });

  it('does not become a true one by a rewrap or a reseal', async () => {
    const { keys } = three();
    const sealed = await seal(plaintext, quorum(2, keys));
    const forged = await withEntries(sealed, ([a, ...rest]) => [new Map(a).set(4, new Uint8Array(73)), ...rest]);
    keys[0].bump();
    const [before] = await bytesOfEntries(forged);
    expect((await bytesOfEntries(await rewrap(forged, keys)))[0]).toBe(before);
    await expect(reseal(forged, keys)).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
  });

  it('with a field 7 of another form is carried byte for byte and never tried', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, [memoryKey('local:owner'), group]);
    const later = await withEntries(sealed, (entries) =>
      entries.map((entry) => (entry.has(7) ? new Map(entry).set(7, new Map([[1, 'later']])) : entry)),
    );
    for (const key of keys) key.calls.unwrap = 0;
    await expect(open(later, keys)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    expect(keys.map(({ calls }) => calls.unwrap)).toEqual([0, 0, 0]);
    expect((await inspect(later)).recipients.map(({ supported }) => supported)).toEqual([true, false, false, false]);
  });
});

describe('rewrapping with a quorum', () => {
  it('of a single custodian leaves the others byte for byte, with the data key and without', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    const before = await bytesOfEntries(sealed);
    keys[1].bump();
    for (const [hands, tag] of [
      [keys, 'valid'],
      [[keys[1]], 'missing'],
    ] as const) {
      const after = await rewrap(sealed, hands);
      const entries = await bytesOfEntries(after);
      expect([entries[0], entries[2]]).toEqual([before[0], before[2]]);
      expect(entries[1]).not.toBe(before[1]);
      expect((await inspect(after)).recipients.map(({ version }) => version)).toEqual(['1', '2', '1']);
      for (const two of choices(keys, 2)) expect(await open(after, two)).toEqual(plaintext);
      const report = await verify(after, keys);
      expect(report.ok).toBe(true);
      expect(report.recipients.map((one) => one.tag)).toEqual(['valid', tag, 'valid']);
    }
  });

  it('what a custodian did alone is confirmed by the next rewrap of enough of them', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    for (const key of keys) key.bump();
    let object = sealed;
    for (const key of keys) object = await rewrap(object, key);
    expect((await verify(object, keys)).findings.map(({ severity }) => severity)).toEqual([
      'warning',
      'warning',
      'warning',
    ]);
    expect(await open(object, keys.slice(1))).toEqual(plaintext);
    const confirmed = await rewrap(object, keys);
    const report = await verify(confirmed, keys);
    expect(report.findings).toEqual([]);
    const wraps = async (sealedObject: Uint8Array) => (await listOf(sealedObject)).map(({ wrap }) => Buffer.from(wrap));
    expect(await wraps(confirmed)).toEqual(await wraps(object));
    expect(await bytesOfEntries(await rewrap(confirmed, keys))).toEqual(await bytesOfEntries(confirmed));
  });

  it('a custodian alone changes nothing where the entries disagree', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    const other = await seal(plaintext, group);
    const digests = (await listOf(other))[2]?.share?.digests ?? [];
    const forged = await withEntries(sealed, (entries) =>
      entries.map((entry, at) =>
        at === 2 ? new Map(entry).set(7, new Map(entry.get(7) as CborMap).set(5, [...digests])) : entry,
      ),
    );
    keys[0].bump();
    await expect(rewrap(forged, keys[0])).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: containing('local:c'),
    });
  });

  it('--from A --to B gives the share of one custodian to another key', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    const before = await bytesOfEntries(sealed);
    const heir = memoryKey('local:heir');
    for (const hands of [keys, [keys[0]]]) {
      const after = await rewrap(sealed, hands, { from: 'local:a', to: heir });
      expect((await bytesOfEntries(after)).slice(1)).toEqual(before.slice(1));
      expect(await open(after, [heir, keys[2]])).toEqual(plaintext);
      await expect(open(after, [keys[0], keys[2]])).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    }
    await expect(rewrap(sealed, keys, { from: 'local:a', to: quorum(2, [heir, keys[1]]) })).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
  });

  it('gives no custodian a second share, with the data key and without', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    keys[1].bump();
    for (const hands of [keys, [keys[0]]]) {
      await expect(rewrap(sealed, hands, { from: 'local:a', to: keys[1] })).rejects.toMatchObject({
        code: 'ERR_RECIPIENT_EXISTS',
        message: containing('local:b is a custodian of quorum:2('),
      });
    }
  });

  it('a key gives way to a quorum, a quorum to a key and to another quorum', async () => {
    const { keys, group } = three();
    const owner = memoryKey('local:owner');
    const sealed = await seal(plaintext, owner);
    const shared = await rewrap(sealed, owner, { to: group });
    await expect(open(shared, owner)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    expect(await open(shared, [keys[2], keys[0]])).toEqual(plaintext);
    const heirs = [memoryKey('local:x'), memoryKey('local:y')];
    const inherited = await rewrap(shared, group, { from: group.uri, to: quorum(2, heirs) });
    expect(await open(inherited, heirs)).toEqual(plaintext);
    await expect(open(inherited, group)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    const back = await rewrap(shared, [keys[0], keys[1]], { from: group.uri, to: owner });
    expect(await open(back, owner)).toEqual(plaintext);
    expect((await inspect(back)).recipients).toHaveLength(1);
  });

  it('is added and removed as a whole', async () => {
    const { keys, group } = three();
    const owner = memoryKey('local:owner');
    const sealed = await seal(plaintext, owner);
    const both = await addRecipient(sealed, owner, group);
    expect(await open(both, keys.slice(0, 2))).toEqual(plaintext);
    await expect(addRecipient(both, owner, group)).rejects.toMatchObject({ code: 'ERR_RECIPIENT_EXISTS' });
    await expect(addRecipient(both, owner, quorum(2, [keys[0], owner]))).rejects.toMatchObject({
      code: 'ERR_RECIPIENT_EXISTS',
      message: containing('of which local:a is a custodian'),
    });
    await expect(removeRecipient(both, owner, 'local:a')).rejects.toMatchObject({
      code: 'ERR_RECIPIENT_NOT_FOUND',
      message: containing('is a custodian of quorum:2('),
    });
    const alone = await removeRecipient(both, owner, group.uri);
    expect((await inspect(alone)).recipients).toHaveLength(1);
    const only = await removeRecipient(both, owner, owner.uri);
    await expect(removeRecipient(only, group, group.uri)).rejects.toMatchObject({ code: 'ERR_LAST_RECIPIENT' });
  });

  it('is kept by a reseal where all custodians are at hand, with new shares', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    const resealed = await reseal(sealed, keys);
    for (const two of choices(keys, 2)) expect(await open(resealed, two)).toEqual(plaintext);
    expect((await listOf(resealed))[0]?.share?.setId).not.toEqual((await listOf(sealed))[0]?.share?.setId);
    await expect(reseal(sealed, keys.slice(1))).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
  });

  it('is left alone by a blind rewrap', async () => {
    const { keys, group } = three();
    const sealed = await seal(plaintext, group);
    await expect(rewrap(sealed, keys, { blind: true })).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
  });
});
