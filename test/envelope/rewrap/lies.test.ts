/** Providers that break their contract and headers that were forged: what a rewrap believes, and what it does not. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/bytes/index.ts';
import { inspect, open, repair, rewrap, seal, verify } from '../../../src/envelope/index.ts';
import { MAX_GENERATION } from '../../../src/envelope/format/limits.ts';
import type { KeyProvider, WrappedSecret } from '../../../src/keys/provider.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { memoryKey, type MemoryKey } from '../../support/memory-key.ts';
import { entriesOf, headOf, recipientsOf, slotOf, withList, withSlot } from './sealed-parts.ts';

const plaintext = pattern(10_000);

async function fileWith(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'x.wax');
  await writeFile(path, bytes);
  return path;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

/** As a KMS does: the wrap itself says its version, what the header claims is ignored, and the true one is reported. */
function selfDescribing(key: MemoryKey): KeyProvider {
  return {
    ...key,
    async unwrap(wrapped, binding) {
      for (const version of ['1', '2', '3', '4']) {
        const unwrapped = await key.unwrap({ ...wrapped, version }, binding).catch(() => undefined);
        if (unwrapped !== undefined) return { secret: unwrapped.secret, version };
      }
      return key.unwrap(wrapped, binding);
    },
  };
}

describe('attack 6: providers that misbehave', () => {
  it('a rotation between describe and wrap: the version of the verifying unwrap is recorded', async () => {
    const key = memoryKey();
    const path = await fileWith(await seal(plaintext, key));
    key.bump();
    const rotating: KeyProvider = {
      ...selfDescribing(key),
      async wrap(secret, binding) {
        const described = await key.describe!();
        key.bump();
        // What it says is what it was before the rotation.
        return { ...(await key.wrap(secret, binding)), version: described.currentVersion ?? '' };
      },
    };
    const { entries } = await rewrap(path, rotating);
    expect(entries).toMatchObject([{ action: 'renewed', from: '1', to: '3' }]);
    expect((await inspect(path)).recipients.map(({ version }) => version)).toEqual(['3']);
    expect((await rewrap(path, key)).changed).toBe(false);
    expect((await verify(path, key)).ok).toBe(true);
  });

  interface Misbehaviour {
    readonly name: string;
    readonly code: 'ERR_UNVERIFIED_WRAP' | 'ERR_PROVIDER_RESPONSE';
    readonly wrap: (
      honest: WrappedSecret,
      key: MemoryKey,
      binding: Uint8Array,
    ) => WrappedSecret | Promise<WrappedSecret>;
  }
  const misbehaviours: readonly Misbehaviour[] = [
    { name: 'junk', code: 'ERR_UNVERIFIED_WRAP', wrap: (honest) => ({ ...honest, wrap: pattern(72) }) },
    {
      name: 'a cut wrap',
      code: 'ERR_UNVERIFIED_WRAP',
      wrap: (honest) => ({ ...honest, wrap: honest.wrap.slice(0, 40) }),
    },
    {
      name: 'the wrap of another secret',
      code: 'ERR_UNVERIFIED_WRAP',
      wrap: (_honest, key, binding) => key.wrap(pattern(32), binding),
    },
    ...[0, 16, 31, 33, 64].map((length): Misbehaviour => ({
      name: `the wrap of a secret of ${String(length)} bytes`,
      code: 'ERR_UNVERIFIED_WRAP',
      wrap: (_honest, key, binding) => key.wrap(pattern(length), binding),
    })),
    {
      name: 'a wrap for another object',
      code: 'ERR_UNVERIFIED_WRAP',
      wrap: (_honest, key) => key.wrap(pattern(32), pattern(32, 9)),
    },
    { name: 'another key', code: 'ERR_PROVIDER_RESPONSE', wrap: (honest) => ({ ...honest, uri: 'local:other' }) },
    { name: 'another algorithm', code: 'ERR_PROVIDER_RESPONSE', wrap: (honest) => ({ ...honest, algorithm: 2 }) },
    {
      name: 'a wrap over 2 KiB',
      code: 'ERR_PROVIDER_RESPONSE',
      wrap: (honest) => ({ ...honest, wrap: pattern(2049) }),
    },
  ];

  it.each(misbehaviours)('wrap gives $name: $code, and the file stays (MONGOCRYPT-464)', async ({ code, wrap }) => {
    const [key, recovery] = [memoryKey(), memoryKey('local:recovery')];
    const sealed = await seal(plaintext, [key, recovery]);
    const path = await fileWith(sealed);
    key.bump();
    recovery.bump();
    const broken: KeyProvider = {
      ...key,
      wrap: async (secret, binding) => wrap(await key.wrap(secret, binding), key, binding),
    };
    // The honest key's new wrap is not written either: all or nothing.
    for (const keys of [[broken, recovery], [recovery, broken], [broken]]) {
      await expect(rewrap(path, keys)).rejects.toMatchObject({ code });
      await expect(rewrap(sealed, keys)).rejects.toMatchObject({ code });
      expect(await bytesOf(path)).toEqual(sealed);
    }
    await expect(rewrap(path, recovery, { from: key.uri, to: broken })).rejects.toMatchObject({ code });
    expect(await bytesOf(path)).toEqual(sealed);
    expect(await open(sealed, key)).toEqual(plaintext);
  });

  it('unwrap reports a version over the limit: ERR_PROVIDER_RESPONSE, and the file stays', async () => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    const path = await fileWith(sealed);
    key.bump();
    const broken: KeyProvider = {
      ...key,
      unwrap: async (wrapped, binding) => ({ ...(await key.unwrap(wrapped, binding)), version: 'v'.repeat(257) }),
    };
    await expect(rewrap(path, broken)).rejects.toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
    expect(await bytesOf(path)).toEqual(sealed);
  });
});

/** The list with entries changed or appended, as whoever can write the object can make it. */
function forged(sealed: Uint8Array, change: (entries: Map<number, unknown>[]) => void): Uint8Array {
  const entries = recipientsOf(sealed).map(({ fields }) => new Map(fields) as Map<number, unknown>);
  change(entries);
  return withList(sealed, encodeCbor(entries as never));
}

function junkEntry(uri: string, algorithm: number, version = '1'): Map<number, unknown> {
  return new Map<number, unknown>([
    [1, uri],
    [2, version],
    [3, algorithm],
    [4, pattern(72)],
    [5, 1],
    [9, pattern(16)],
  ]);
}

describe('attack 5: a forged version string', () => {
  it.each(['2', '9', ''])('%o in the header is not believed: the entry is renewed', async (version) => {
    const key = memoryKey();
    const provider = selfDescribing(key);
    const sealed = await seal(plaintext, key);
    key.bump();
    // 2 is the target: whoever believes the header takes the object for done.
    const path = await fileWith(forged(sealed, ([entry]) => entry!.set(2, version)));
    const report = await rewrap(path, provider);
    expect(report).toMatchObject({ changed: true, entries: [{ action: 'renewed', from: version, to: '2' }] });
    const [entry] = recipientsOf(await bytesOf(path));
    expect(entry!.version).toBe('2');
    expect(await key.unwrap(entry!, headOf(await bytesOf(path)).bind)).toMatchObject({ version: '2' });
    expect(await open(await bytesOf(path), key)).toEqual(plaintext);
    expect((await verify(path, key)).ok).toBe(true);
    expect((await rewrap(path, provider)).changed).toBe(false);
  });
});

describe('attack 7: entries that nobody with the data key wrote', () => {
  it('an appended attacker and junk for another own key stay byte for byte, and open nothing', async () => {
    const [own, other] = [memoryKey('local:own'), memoryKey('local:other')];
    const attacker: KeyProvider = { ...memoryKey('x25519:attacker'), algorithms: [2], symmetric: false };
    const sealed = await seal(plaintext, own);
    const attacked = forged(sealed, (entries) => {
      entries.push(junkEntry('x25519:attacker', 2), junkEntry('local:other', 1));
    });
    const before = entriesOf(attacked);
    const path = await fileWith(attacked);
    own.bump();
    for (const keys of [own, [own, other], [other, own]]) {
      const { entries } = await rewrap(path, keys);
      expect(entries.map(({ action }) => action).slice(1)).toEqual(['kept', keys === own ? 'kept' : 'unproven']);
      const after = await bytesOf(path);
      expect(entriesOf(after).slice(1)).toEqual(before.slice(1));
      expect(entriesOf(after)[0]).not.toEqual(before[0]);
      expect(recipientsOf(after)[0]!.version).toBe((await own.describe!()).currentVersion);
      for (const nobody of [attacker, other, [attacker, other]]) {
        await expect(open(after, nobody)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
      }
      expect(await open(after, own)).toEqual(plaintext);
      own.bump();
    }
    expect(other.calls.wrap).toBe(0);
  });

  it('junk under a version of the own key is left alone too, and the true entry is renewed', async () => {
    const own = memoryKey('local:own');
    const sealed = await seal(plaintext, own);
    const attacked = forged(sealed, (entries) => void entries.unshift(junkEntry('local:own', 1, 'forged')));
    const path = await fileWith(attacked);
    own.bump();
    const { entries } = await rewrap(path, own);
    expect(entries.map(({ action }) => action)).toEqual(['unproven', 'renewed']);
    expect(entriesOf(await bytesOf(path))[0]).toEqual(entriesOf(attacked)[0]);
    expect(await open(await bytesOf(path), own)).toEqual(plaintext);
  });
});

describe('attack 25: a forged generation at and past its limit', () => {
  const generations = [MAX_GENERATION - 1, MAX_GENERATION, MAX_GENERATION + 1, 2 ** 52];
  const cases = generations.flatMap((generation) =>
    ([0, 1] as const).flatMap((index) =>
      (['junk', 'the valid list'] as const).map((list) => ({ generation, index, list, slot: 'AB'[index]! })),
    ),
  );

  it.each(cases)('$generation with $list in slot $slot: rewrap and repair work, again and again', async (forgery) => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    const list = slotOf(forgery.list === 'junk' ? await seal(plaintext, memoryKey()) : sealed, 0).list;
    const image = withSlot(sealed, forgery.index, { generation: forgery.generation, list });
    expect(await open(image, key)).toEqual(plaintext);
    for (const way of ['rewrap', 'repair'] as const) {
      const path = await fileWith(image);
      if (way === 'repair') expect((await repair(path, key)).repaired).toHaveLength(2);
      for (let again = 0; again < 3; again += 1) {
        key.bump();
        expect((await rewrap(path, key)).changed).toBe(true);
        const { lists, recipients, generation } = await inspect(path);
        const { currentVersion } = await key.describe!();
        expect({ lists, versions: recipients.map(({ version }) => version) }).toEqual({
          lists: 'steady',
          versions: [currentVersion],
        });
        expect(generation).toBeLessThanOrEqual(MAX_GENERATION);
        expect(await open(await bytesOf(path), key)).toEqual(plaintext);
        expect((await verify(path, key)).ok).toBe(true);
      }
    }
  });

  it('at the limit a rewrap that ended between its two writes still opens, and the next one ends it', async () => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    const old = withList(sealed, slotOf(sealed, 0).list, MAX_GENERATION);
    const path = await fileWith(old);
    key.bump();
    await rewrap(path, key);
    const after = await bytesOf(path);
    expect(slotOf(after, 0).generation).toBe(MAX_GENERATION);
    for (const index of [0, 1] as const) {
      const between = withSlot(old, index, { generation: MAX_GENERATION, list: slotOf(after, index).list });
      expect(await open(between, key)).toEqual(plaintext);
      await writeFile(path, between);
      await rewrap(path, key);
      expect((await inspect(path)).lists).toBe('steady');
      expect(recipientsOf(await bytesOf(path))[0]!.version).toBe('2');
    }
  });
});
