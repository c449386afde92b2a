/** SPEC.md section 21: rewrap, reseal and shred. */
import { copyFile, open as openHandle, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryName } from '../../../src/files/temporaries.ts';
import {
  addRecipient,
  inspect,
  isWaxsealError,
  open,
  openObject,
  reseal,
  rewrap,
  seal,
  shred,
  verify,
  type WrappedSecret,
  x25519KeyPair,
} from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { systemError } from '../../envelope/rewrap/sealed-parts.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { ReferenceKey } from '../../testing/reference-key.ts';
import { fileOf } from './files.ts';
import { random } from './insider.ts';
import {
  entriesOf,
  expectOpens,
  headerOf,
  LAYOUTS,
  objectOf,
  outcome,
  partsOf,
  plaintext,
  sealAs,
  type Sealed,
} from './objects.ts';

const CALLS = ['write', 'writev', 'sync', 'datasync'] as const;

/** Runs `work` while the nth call of this process that writes or makes durable fails; whether there was an nth. */
async function failingAt(nth: number, probe: string, work: () => Promise<unknown>): Promise<boolean> {
  const handle = await openHandle(probe, 'r');
  const prototype = Object.getPrototypeOf(handle) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  await handle.close();
  const real = Object.fromEntries(CALLS.map((name) => [name, prototype[name]]));
  let count = 0;
  for (const name of CALLS) {
    prototype[name] = function (this: unknown, ...args) {
      count += 1;
      if (count === nth) return Promise.reject(systemError('EIO', name));
      return (real[name] as (...args: unknown[]) => Promise<unknown>).apply(this, args);
    };
  }
  try {
    await work();
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
  } finally {
    Object.assign(prototype, real);
  }
  return count >= nth;
}

describe('[S33] No rewrap and no reseal loses the data key, whichever of its writes fails', () => {
  // Killed processes and power cuts: test/crash and test/envelope/rewrap/torn-writes.test.ts.
  it.each(LAYOUTS.flatMap((layout) => (['rewrap', 'reseal'] as const).map((verb) => ({ layout, verb }))))(
    '$verb, $layout',
    async ({ layout, verb }) => {
      const [key, recovery] = [memoryKey('local:key'), memoryKey('local:recovery')];
      const sealed = await sealAs(layout, [key, recovery]);
      key.bump();
      let failures = 0;
      for (let nth = 1, more = true; more; nth += 1) {
        const path = await fileOf(sealed);
        const change = async (): Promise<unknown> =>
          verb === 'rewrap' ? rewrap(path, [key, recovery]) : reseal(path, [key, recovery]);
        more = await failingAt(nth, path, change);
        failures += more ? 1 : 0;
        for (const each of [key, recovery]) {
          await using object = await openObject(path, each);
          expect(Buffer.compare(await object.read(0), plaintext)).toBe(0);
        }
        // And the next one ends it.
        await rewrap(path, [key, recovery]);
        expect((await inspect(path)).recipients.map(({ version }) => version)).toEqual(['2', '1']);
        expect((await verify(path, [key, recovery])).ok).toBe(true);
      }
      expect(failures).toBeGreaterThan(2);
    },
  );
});

describe('[S34] A reseal draws a new id and a new data key', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const old = await sealAs(layout, key);
    const resealed = (await reseal(old as Uint8Array, key)) as Sealed;
    const [first, second] = key.wrapped;
    expect(key.wrapped).toHaveLength(2);
    expect(first).not.toEqual(second);
    const [older, newer] = [await partsOf(old), await partsOf(resealed)];
    const [before, after] = [await expectOpens(old, key), await expectOpens(resealed, key)];
    expect(after.id).not.toBe(before.id);
    expect(after).toEqual({ ...before, id: after.id, created: after.created });
    for (const part of ['meta', 'floeHeader', 'list', 'segments'] as const) {
      expect(newer[part]).not.toEqual(older[part]);
      expect(await outcome(objectOf({ ...newer, [part]: older[part] }), key)).toBe('ERR_AUTHENTICATION');
    }
    for (let at = 0; at < newer.segments.length; at += 4096) {
      const mixed = newer.segments.slice();
      mixed.set(older.segments.subarray(at, at + 4096), at);
      expect(await outcome(objectOf({ ...newer, segments: mixed }), key)).toBe('ERR_AUTHENTICATION');
    }
  });
});

/** Whether any 8 bytes of a wrap stand in a file. */
function holds(file: Buffer, wrap: Uint8Array): boolean {
  const sought = Buffer.from(wrap);
  for (let at = 0; at + 8 <= wrap.length; at += 1) if (file.includes(sought.subarray(at, at + 8))) return true;
  return false;
}

describe('[S35] After a shred nothing opens the file (ERR_SHREDDED)', () => {
  it.each(LAYOUTS)('%s: and no byte of a wrap is left (ATTACKS 24)', async (layout) => {
    const [key, pair, added] = [memoryKey('local:key'), x25519KeyPair(random(32)), memoryKey('local:added')];
    const path = await fileOf(await sealAs(layout, [key, pair]));
    const wraps: Uint8Array[] = [];
    const note = async (header: string): Promise<void> => {
      const bytes = new Uint8Array(await readFile(header));
      const sealed = layout === 'detached' ? { header: bytes, payload: new Uint8Array(0) } : bytes;
      wraps.push(...entriesOf((await partsOf(sealed)).list).map(({ wrap }) => wrap));
    };
    await note(path);
    key.bump();
    await rewrap(path, [key, pair]);
    await addRecipient(path, key, added);
    await note(path);
    // A writer that died left its file, and a reseal its header.
    const dead = join(
      dirname(path),
      temporaryName().replace(/-[0-9]+-[0-9]+-([0-9a-f]{16})\.tmp$/, '-4194999-1-$1.tmp'),
    );
    await copyFile(path, dead);
    if (layout === 'detached') {
      const next = await sealAs('detached', [key, pair]);
      await writeFile(`${path}.next`, headerOf(next));
      await note(`${path}.next`);
    }
    const whole = await readFile(path);
    expect(wraps.every((wrap) => wrap.length >= 72)).toBe(true);
    // Those of the three recipients: the first wrap of the rotated key is not in it any more.
    expect(
      new Set(wraps.filter((wrap) => holds(whole, wrap)).map((wrap) => Buffer.from(wrap).toString('hex'))).size,
    ).toBe(3);

    await shred(path);

    expect((await readdir(dirname(path))).filter((name) => name === basename(dead) || name.endsWith('.next'))).toEqual(
      [],
    );
    for (const name of await readdir(dirname(path))) {
      const bytes = await readFile(join(dirname(path), name));
      expect(
        wraps.filter((wrap) => holds(bytes, wrap)),
        name,
      ).toEqual([]);
    }
    for (const each of [key, pair, added]) {
      await expect(openObject(path, each)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
      await expect(verify(path, each)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
      await expect(rewrap(path, each)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
    }
    expect(await readFile(path)).toHaveLength(whole.length);
  });
});

describe('[S37] A blind rewrap drops no entry that somebody who held the data key has written', () => {
  it.each(['attached', 'compact'] as const)('%s: whatever the provider gives', async (layout) => {
    const key = new ReferenceKey();
    const other = memoryKey('local:other');
    const parts = await seal(new Uint8Array(plaintext), [key, other], { layout });
    await key.rotate();
    const bind = Buffer.from((await inspect(parts)).bind, 'hex');
    const before = (await inspect(parts)).recipients;
    for (const lie of [() => random(32), () => new Uint8Array(32)]) {
      const lying = Object.assign(Object.create(key) as ReferenceKey, {
        rewrap: async (wrapped: WrappedSecret, binding: Uint8Array) => ({
          ...(await key.rewrap(wrapped, binding)),
          wrapped: await key.wrap(lie(), bind),
        }),
      });
      const after = await rewrap(parts, lying, { blind: true });
      const { recipients } = await inspect(after);
      expect(recipients.filter(({ blind }) => !blind).map((entry) => ({ ...entry, retiring: false }))).toEqual(before);
      expect(await open(after, key)).toEqual(new Uint8Array(plaintext));
      expect((await verify(after, key)).ok).toBe(false);
    }
    const junk = Object.assign(Object.create(key) as ReferenceKey, {
      rewrap: async (wrapped: WrappedSecret, binding: Uint8Array) => {
        const made = await key.rewrap(wrapped, binding);
        return { ...made, wrapped: { ...made.wrapped, wrap: random(60) } };
      },
    });
    await expect(rewrap(parts, junk, { blind: true })).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
  });
});
