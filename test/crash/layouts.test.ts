/**
 * Kill -9 at every file-system step of what replaces a file: rewrap of compact objects and detached headers, reseal,
 * conversion, and shred in every layout.
 */
import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isWaxsealError } from '../../src/errors/index.ts';
import { inspect, openObject, verify } from '../../src/envelope/index.ts';
import { load } from '../../src/envelope/load.ts';
import { bytesSource } from '../../src/envelope/source.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { atEveryStep } from './support/at-every-step.ts';
import { OPERATIONS, openRing, type Places } from './support/operations.ts';
import { OLDER, PLAINTEXT } from './support/world.ts';

const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(path));
const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function withKeys<T>(at: Places, work: (...keys: KeyProvider[]) => Promise<T>): Promise<T> {
  const ring = await openRing(at);
  try {
    return await work(ring.key('default'), ring.key('recovery'));
  } finally {
    ring.close();
  }
}

/** Opens to one of these plaintexts with the default key, and with the recovery key where that is a recipient. */
async function expectOpens(at: Places, path: string, plaintexts = [PLAINTEXT], recovery = true): Promise<void> {
  await withKeys(at, async (key, second) => {
    for (const each of recovery && second !== undefined ? [key, second] : [key]) {
      if (each === undefined) throw new Error('no key');
      const object = await openObject(path, each);
      const plaintext = await object.read(0);
      await object.close();
      expect(plaintexts.some((one) => Buffer.compare(one, plaintext) === 0)).toBe(true);
    }
  });
}

async function expectWell(at: Places, path: string): Promise<void> {
  await withKeys(at, async (...keys) => {
    const report = await verify(path, keys);
    expect(report.findings).toEqual([]);
  });
  expect((await inspect(path)).lists).toBe('steady');
}

/** Every entry is on the version that is current. */
async function expectCurrent(at: Places, path: string): Promise<void> {
  const ring = await openRing(at);
  const { currentVersion } = await ring.describe('default');
  ring.close();
  const entry = (await inspect(path)).recipients.find(({ uri }) => uri === 'local:default');
  expect(entry?.version).toBe(currentVersion);
}

describe('crash at every step of seal --detached', () => {
  it('leaves no header without its payload', async () => {
    await atEveryStep({
      operation: 'seal detached',
      every: 8,
      changes: /^objects\/target\.(wax|floe)$/,
      completed: 'ERR_OUTPUT_EXISTS',
      check: async (at) => {
        if (await exists(at.target)) await expectOpens(at, at.target, undefined, false);
      },
    });
  });

  it('over an older pair leaves the older one or the new one', async () => {
    await atEveryStep({
      operation: 'seal over detached',
      every: 4,
      changes: /^objects\/split\.(wax|floe|wax\.next)$/,
      check: (at) => expectOpens(at, at.header, [PLAINTEXT, OLDER], false),
      finished: async (at) => {
        await expectOpens(at, at.header, [OLDER], false);
        await expectWell(at, at.header);
      },
    });
  });
});

describe('crash at every step of rewrap where the file is replaced', () => {
  it('a compact object opens with all its keys, before and after', async () => {
    await atEveryStep({
      operation: 'rewrap compact',
      every: 4,
      changes: /^objects\/compact\.wax$/,
      check: (at) => expectOpens(at, at.compact),
      finished: async (at) => {
        await expectWell(at, at.compact);
        await expectCurrent(at, at.compact);
      },
      sweep: (at) => OPERATIONS['seal detached'](at.objects.replace(/\/objects$/, '')),
    });
  });

  it('a detached object opens with all its keys, and its payload is never touched', async () => {
    await atEveryStep({
      operation: 'rewrap detached',
      every: 4,
      changes: /^objects\/split\.wax$/,
      check: (at) => expectOpens(at, at.header),
      finished: async (at) => {
        await expectWell(at, at.header);
        await expectCurrent(at, at.header);
      },
      sweep: (at) => OPERATIONS['seal detached'](at.objects.replace(/\/objects$/, '')),
    });
  });
});

describe('crash at every step of reseal: the old state or the new one, never neither', () => {
  it.each([
    ['reseal', 'sealed', /^objects\/sealed\.wax$/],
    ['reseal compact', 'compact', /^objects\/compact\.wax$/],
    ['reseal detached', 'header', /^objects\/split\.(wax|floe|wax\.next)$/],
  ] as const)('%s', async (operation, name, changes) => {
    const ids = new Map<string, string>();
    await atEveryStep({
      operation,
      every: 10,
      changes,
      prepare: async (at) => void ids.set(at[name], (await inspect(at[name])).id),
      check: (at) => expectOpens(at, at[name]),
      finished: async (at) => {
        expect((await inspect(at[name])).id).not.toBe(ids.get(at[name]));
        await expectWell(at, at[name]);
        await expectCurrent(at, at[name]);
        expect(await exists(`${at[name]}.next`)).toBe(false);
      },
    });
  });
});

describe('crash at every step of a conversion: what stands under the name opens', () => {
  it('detach', async () => {
    await atEveryStep({
      operation: 'detach',
      every: 10,
      changes: /^objects\/sealed\.(wax|floe)$/,
      // Where the payload was written already, the next run wants to be told that it may replace it.
      completed: 'ERR_OUTPUT_EXISTS',
      check: (at) => expectOpens(at, at.sealed),
    });
  });

  it('attach', async () => {
    await atEveryStep({
      operation: 'attach',
      every: 10,
      changes: /^objects\/split\.(wax|floe)$/,
      check: (at) => expectOpens(at, at.header),
      finished: async (at) => expect((await inspect(at.header)).layout).toBe('attached'),
      sweep: (at) => OPERATIONS['seal detached'](at.objects.replace(/\/objects$/, '')),
    });
  });
});

describe('crash at every step of shred: never openable again once success was reported', () => {
  it.each([
    ['shred', 'sealed', /^objects\/sealed\.wax$/],
    ['shred compact', 'compact', /^objects\/compact\.wax$/],
    ['shred detached', 'header', /^objects\/split\.(wax|wax\.next)$/],
  ] as const)('%s', async (operation, name, changes) => {
    const wraps = new Map<string, Uint8Array[]>();
    const payloads = new Map<string, string>();
    await atEveryStep({
      operation,
      every: 2,
      changes,
      prepare: async (at) => {
        const { lists } = await load(bytesSource(await bytesOf(at[name])), undefined);
        wraps.set(
          at[name],
          lists.flatMap(({ slot }) => slot?.recipients.map(({ wrap }) => wrap) ?? []),
        );
        payloads.set(at[name], await digestOf(at.payload));
      },
      // Killed before it has said anything: whole, or gone.
      check: (at) =>
        expectOpens(at, at[name]).catch((error: unknown) => {
          if (!isWaxsealError(error, 'ERR_SHREDDED') && !isWaxsealError(error, 'ERR_HEADER_DAMAGED')) throw error;
        }),
      finished: async (at) => {
        const bytes = Buffer.from(await bytesOf(at[name]));
        const found = wraps.get(at[name]) ?? [];
        expect(found.length).toBeGreaterThan(1);
        // ATTACKS 24: not eight bytes of any wrap are left.
        for (const wrap of found) {
          for (let i = 0; i + 8 <= wrap.length; i += 8) expect(bytes.indexOf(wrap.subarray(i, i + 8))).toBe(-1);
        }
        await withKeys(at, async (...keys) => {
          await expect(openObject(at[name], keys)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
        });
        expect(await digestOf(at.payload)).toBe(payloads.get(at[name]));
      },
    });
  });

  it('with --delete, both files of a detached object are gone in the end', async () => {
    await atEveryStep({
      operation: 'shred and delete detached',
      every: 3,
      changes: /^objects\/split\.(wax|floe)$/,
      completed: 'ERR_FILE_NOT_FOUND',
      check: () => Promise.resolve(),
      finished: async (at) => expect([await exists(at.header), await exists(at.payload)]).toEqual([false, false]),
    });
  });
});
