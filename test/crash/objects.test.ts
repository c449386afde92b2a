/**
 * Kill -9 at every file-system step of everything that writes sealed objects and opened files: what stands at a final
 * path is whole, the object opens, and the next run ends the work and clears away what the dead one left.
 */
import { lstat, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isWaxsealError } from '../../src/errors/index.ts';
import { decodeHead } from '../../src/envelope/format/head.ts';
import { inspect, open, repair, verify } from '../../src/envelope/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { atEveryStep } from './support/at-every-step.ts';
import { stepsOf } from './support/deaths.ts';
import { OPERATIONS, openRing, type OperationName, type Places, places } from './support/operations.ts';
import { buildWorld, OLDER, PLAINTEXT } from './support/world.ts';
import { rm } from 'node:fs/promises';

const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(path));
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function withKeys<T>(at: Places, work: (...keys: KeyProvider[]) => Promise<T>): Promise<T> {
  const ring = await openRing(at);
  try {
    return await work(ring.key('default'), ring.key('recovery'), ring.key('third'));
  } finally {
    ring.close();
  }
}

/** Opens to the plaintext with the default key. */
async function expectOpens(at: Places, path: string, plaintext = PLAINTEXT): Promise<void> {
  await withKeys(at, async (key) => {
    expect(same(await open(await bytesOf(path), key), plaintext)).toBe(true);
  });
}

async function expectWell(at: Places, path: string): Promise<void> {
  await withKeys(at, async (...keys) => {
    const report = await verify(path, keys);
    expect(report.findings).toEqual([]);
    expect(report.ok).toBe(true);
  });
  expect((await inspect(path)).lists).toBe('steady');
}

/** The object opens with every key that it is sealed to, and its payload was not touched. */
const sealedOpens =
  (from: 'sealed' | 'damaged') =>
  async (at: Places): Promise<void> => {
    await expectOpens(at, at[from]);
    const [changed, original] = [await bytesOf(at[from]), await bytesOf(at.ruined)];
    expect(changed.length).toBe(original.length);
    const { segments } = decodeHead(await bytesOf(at.sealed), 'x').geometry;
    expect(same(changed.subarray(segments), original.subarray(segments))).toBe(true);
  };

describe('crash at every step of seal', () => {
  it('leaves no target or a whole one', async () => {
    await atEveryStep({
      every: 3,
      operation: 'seal',
      changes: /^objects\/target\.wax$/,
      completed: 'ERR_OUTPUT_EXISTS',
      async check(at) {
        if (await exists(at.target)) {
          await expectOpens(at, at.target);
          await expectWell(at, at.target);
        }
      },
      finished: async (at) => expect(await exists(at.target)).toBe(true),
    });
  });

  it('over an older file leaves the older file or the new one', async () => {
    await atEveryStep({
      every: 3,
      operation: 'seal over',
      changes: /^objects\/older$/,
      async check(at) {
        if (!same(await bytesOf(at.older), OLDER)) await expectOpens(at, at.older);
      },
      finished: (at) => expectWell(at, at.older),
    });
  });
});

describe('crash at every step of open to a file', () => {
  it('leaves no plaintext at the target or all of it', async () => {
    await atEveryStep({
      every: 3,
      operation: 'open',
      changes: /^objects\/opened$/,
      completed: 'ERR_OUTPUT_EXISTS',
      async check(at) {
        if (await exists(at.opened)) expect(same(await bytesOf(at.opened), PLAINTEXT)).toBe(true);
      },
      finished: async (at) => expect(await exists(at.opened)).toBe(true),
    });
  });

  it('over an older file leaves the older file or all of the plaintext', async () => {
    await atEveryStep({
      every: 3,
      operation: 'open over',
      changes: /^objects\/older$/,
      async check(at) {
        const there = await bytesOf(at.older);
        expect(same(there, OLDER) || same(there, PLAINTEXT)).toBe(true);
      },
      finished: async (at) => expect(same(await bytesOf(at.older), PLAINTEXT)).toBe(true),
    });
  });
});

describe('crash at every step of rewrap', () => {
  const changes = /^objects\/sealed\.wax$/;

  it('the object opens, and the next run brings it to the new version', async () => {
    await atEveryStep({
      every: 3,
      operation: 'rewrap',
      changes,
      check: sealedOpens('sealed'),
      async finished(at) {
        await expectWell(at, at.sealed);
        const { recipients } = await inspect(at.sealed);
        expect(recipients.map(({ uri, version }) => `${uri} ${version.split('.')[0] ?? ''}`)).toEqual([
          'local:default 2',
          'local:recovery 1',
        ]);
      },
    });
  });

  it('adding a recipient: the object opens, and the next run adds it or finds it there', async () => {
    await atEveryStep({
      every: 3,
      operation: 'add recipient',
      changes,
      completed: 'ERR_RECIPIENT_EXISTS',
      check: sealedOpens('sealed'),
      async finished(at) {
        await withKeys(at, async (_default, _recovery, third) => {
          expect(same(await open(await bytesOf(at.sealed), third), PLAINTEXT)).toBe(true);
        });
      },
      // A run that finds its work done writes nothing: the next one that writes, ends the unequal pair.
      sweep: async (at) => {
        await OPERATIONS.rewrap(placesToWorld(at));
        await expectWell(at, at.sealed);
      },
    });
  });

  it('removing a recipient: the object opens, and the next run removes it or finds it gone', async () => {
    await atEveryStep({
      every: 3,
      operation: 'remove recipient',
      changes,
      completed: 'ERR_RECIPIENT_NOT_FOUND',
      check: sealedOpens('sealed'),
      async finished(at) {
        expect((await inspect(at.sealed)).recipients.map(({ uri }) => uri)).toEqual(['local:default']);
      },
      sweep: async (at) => {
        await OPERATIONS.rewrap(placesToWorld(at));
        await expectWell(at, at.sealed);
      },
    });
  });
});

describe('crash at every step of repair', () => {
  it('what opened before opens, and the next run ends the repair', async () => {
    await atEveryStep({
      every: 3,
      operation: 'repair',
      changes: /^objects\/damaged\.wax$/,
      check: sealedOpens('damaged'),
      finished: (at) => expectWell(at, at.damaged),
    });
  });

  it('from a copy: never worse than before, and the next run ends the repair', async () => {
    await atEveryStep({
      every: 3,
      operation: 'repair from a copy',
      changes: /^objects\/ruined\.wax$/,
      async check(at) {
        await expectOpens(at, at.sealed);
        await expectOpens(at, at.ruined).catch((error: unknown) => {
          if (!isWaxsealError(error, 'ERR_HEADER_DAMAGED') && !isWaxsealError(error, 'ERR_SHREDDED')) throw error;
        });
      },
      async finished(at) {
        await expectOpens(at, at.ruined);
        await expectWell(at, at.ruined);
        await withKeys(at, async (key) => {
          expect((await repair(at.ruined, key)).repaired).toEqual([]);
        });
      },
    });
  });
});

describe('short writes of the kernel', () => {
  const writing: OperationName[] = ['seal', 'open', 'rewrap', 'repair from a copy', 'rotate', 'backup'];
  it.each(writing)('%s goes on until everything is written', async (operation) => {
    const world = await buildWorld();
    try {
      const at = places(world);
      const undisturbed = { seal: 3, open: 2, rewrap: 2, 'repair from a copy': 3, rotate: 1, backup: 2 };
      const steps = await stepsOf(operation, world, { how: 'short' });
      const writes = steps.filter((name) => name === 'write' || name === 'writev').length;
      expect(writes).toBeGreaterThan(4 * undisturbed[operation as keyof typeof undisturbed]);
      if (operation === 'seal') await expectOpens(at, at.target);
      if (operation === 'open') expect(same(await bytesOf(at.opened), PLAINTEXT)).toBe(true);
      if (operation === 'rewrap') await expectWell(at, at.sealed);
      if (operation === 'repair from a copy') await expectWell(at, at.ruined);
      await expectOpens(at, at.sealed);
    } finally {
      await rm(world, { recursive: true });
    }
  });
});

function placesToWorld(at: Places): string {
  return at.objects.slice(0, -'/objects'.length);
}
