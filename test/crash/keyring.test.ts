/**
 * Kill -9 at every file-system step of everything that writes a keyring: no key is half there, nothing that was sealed
 * is lost, and the next run ends the work and clears away what the dead one left.
 */
import { lstat, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, isWaxsealError } from '../../src/errors/index.ts';
import { open, seal } from '../../src/envelope/index.ts';
import { type LocalKeyring, openLocalKeyring, restoreLocalKeyring, type Unlock } from '../../src/keys/local/index.ts';
import { atEveryStep } from './support/at-every-step.ts';
import { BACKUP_PASSPHRASE, CHEAP, openRing, type Places } from './support/operations.ts';
import { isTemporary, OLDER, PLAINTEXT } from './support/world.ts';

/** In the short tier; test/keys/local/crash.test.ts takes every step of the same operations there, without a process. */
const EVERY = 5;

const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(path));

async function withRing<T>(opening: Promise<LocalKeyring>, work: (ring: LocalKeyring) => Promise<T>): Promise<T> {
  const ring = await opening;
  try {
    return await work(ring);
  } finally {
    ring.close();
  }
}

/** What `work` gives, or the code that it is refused with, which has to be one of these. */
async function orCode<T>(work: Promise<T>, ...codes: ErrorCode[]): Promise<T | ErrorCode> {
  try {
    return await work;
  } catch (error) {
    for (const code of codes) if (isWaxsealError(error, code)) return code;
    throw error;
  }
}

/** Everything that was ever sealed opens, each version alone; the keyring reads clean; something new can be sealed. */
async function expectNothingLost(at: Places, opening = openRing(at)): Promise<void> {
  await withRing(opening, async (ring) => {
    const [key, recovery] = [ring.key('default'), ring.key('recovery')];
    for (const one of [key, recovery])
      expect(Buffer.compare(await open(await bytesOf(at.sealed), one), PLAINTEXT)).toBe(0);
    expect(await open(await bytesOf(at.newest), key)).toEqual(OLDER);
    await ring.list();
    await ring.lastBackup();
    expect(await open(await seal(OLDER, key), key)).toEqual(OLDER);
  });
}

/** Writes into the folder of every key, and into the keyring's own. */
async function writeEverywhere(at: Places, opening = openRing(at)): Promise<void> {
  await withRing(opening, async (ring) => {
    for (const { uri } of await ring.list()) await ring.rotate(uri.slice('local:'.length));
    await ring.changeUnlock({ keyFile: join(at.objects, 'swept.key') });
  });
}

describe('crash at every step of key creation', () => {
  it('of a keyring: leaves none or a whole one', async () => {
    await atEveryStep({
      operation: 'create keyring',
      every: EVERY,
      changes: /^(new-ring\/|new\.key$)/,
      completed: 'ERR_KEY_EXISTS',
      async check(at) {
        const made = await orCode(openLocalKeyring(at.newRing, at.newKeyFile), 'ERR_KEYRING_NOT_FOUND');
        if (typeof made === 'string') return;
        expect(await made.list()).toEqual([]);
        made.close();
      },
      async sweep(at) {
        await writeEverywhere(at, openLocalKeyring(at.newRing, at.newKeyFile, CHEAP));
        // A dead process may have left the second name of the key file; the next one that writes there removes it.
        await expectSecondNameOnly(at.unlock.keyFile, at.newKeyFile.keyFile);
        await withRing(openRing(at), (ring) => ring.changeUnlock(at.nextUnlock));
      },
    });
  });

  it('of a key: leaves none or a whole one', async () => {
    await atEveryStep({
      operation: 'create key',
      every: EVERY,
      changes: /^ring\/keys\/fresh\//,
      completed: 'ERR_KEY_EXISTS',
      async check(at) {
        await expectNothingLost(at);
        await withRing(openRing(at), async (ring) => {
          const key = ring.key('fresh');
          const sealed = await orCode(seal(OLDER, key), 'ERR_KEY_NOT_FOUND');
          if (typeof sealed !== 'string') expect(await open(sealed, key)).toEqual(OLDER);
        });
      },
      finished: (at) =>
        withRing(openRing(at), async (ring) => {
          expect((await ring.describe('fresh')).versions).toHaveLength(1);
        }),
      sweep: (at) => writeEverywhere(at),
    });
  });
});

describe('crash at every step of key rotation', () => {
  it('leaves the old version or the new one current, and loses nothing', async () => {
    await atEveryStep({
      operation: 'rotate',
      every: EVERY,
      changes: /^ring\/keys\/default\/0000000[34]\.json$/,
      async check(at) {
        await expectNothingLost(at);
        const { versions, currentVersion } = await withRing(openRing(at), (ring) => ring.describe('default'));
        expect(versions.map(({ label }) => label)).toEqual(['1', '2', '3', '4'].slice(0, versions.length));
        expect(currentVersion).toBe(versions.at(-1)?.version);
        expect(versions.slice(0, -1).every(({ state }) => state === 'deactivated')).toBe(true);
      },
    });
  });
});

describe('crash at every step of a keyring update', () => {
  it('changing what unlocks it: leaves the old way or the new one', async () => {
    await atEveryStep({
      operation: 'change unlock',
      every: EVERY,
      changes: /^(ring\/keyring\.json|next\.key)$/,
      completed: 'ERR_WRONG_PASSPHRASE',
      async check(at) {
        const ways: Unlock[] = [];
        for (const way of [at.unlock, at.nextUnlock]) {
          const ring = await orCode(openLocalKeyring(at.ring, way), 'ERR_WRONG_PASSPHRASE', 'ERR_FILE_NOT_FOUND');
          if (typeof ring === 'string') continue;
          ring.close();
          ways.push(way);
        }
        expect(ways).toHaveLength(1);
        await expectNothingLost(at, openLocalKeyring(at.ring, ways[0]!, CHEAP));
      },
      async sweep(at) {
        await withRing(openLocalKeyring(at.ring, at.nextUnlock, CHEAP), (ring) => ring.changeUnlock(at.newKeyFile));
      },
    });
  });

  it('suspending a version: leaves the old state or the new one', async () => {
    await atEveryStep({
      operation: 'suspend',
      every: EVERY,
      changes: /^ring\/keys\/default\/00000001\.state-0001\.json$/,
      check: (at) =>
        withRing(openRing(at), async (ring) => {
          const state = (await ring.describe('default')).versions[0]?.state;
          expect(['deactivated', 'suspended']).toContain(state);
          const opened = await orCode(open(await bytesOf(at.sealed), ring.key('default')), 'ERR_KEY_DISABLED');
          expect(typeof opened === 'string').toBe(state === 'suspended');
          await open(await bytesOf(at.sealed), ring.key('recovery'));
          await open(await bytesOf(at.newest), ring.key('default'));
        }),
      sweep: (at) => writeEverywhere(at),
    });
  });

  it('destroying a version: it is whole or destroyed, and its file is gone in the end', async () => {
    await atEveryStep({
      operation: 'destroy',
      every: EVERY,
      changes: /^ring\/keys\/default\/00000001\.(state-0001\.)?json$/,
      check: (at) =>
        withRing(openRing(at), async (ring) => {
          const state = (await ring.describe('default')).versions[0]?.state;
          expect(['deactivated', 'destroyed']).toContain(state);
          const opened = await orCode(open(await bytesOf(at.sealed), ring.key('default')), 'ERR_KEY_DISABLED');
          expect(typeof opened === 'string').toBe(state === 'destroyed');
          await open(await bytesOf(at.sealed), ring.key('recovery'));
          await open(await bytesOf(at.newest), ring.key('default'));
        }),
      async finished(at) {
        expect(await readdir(join(at.ring, 'keys/default'))).not.toContain('00000001.json');
      },
      sweep: (at) => writeEverywhere(at),
    });
  });
});

describe('crash at every step of backup and restore', () => {
  it('backup: leaves no backup or a good one, and never says complete without one', async () => {
    await atEveryStep({
      operation: 'backup',
      every: EVERY,
      changes: /^(backups\/second|ring\/last-backup\.json)$/,
      completed: 'ERR_OUTPUT_EXISTS',
      prepare: (at) => withRing(openRing(at), async (ring) => void (await ring.rotate('third'))),
      async check(at) {
        await expectNothingLost(at);
        const last = await withRing(openRing(at), (ring) => ring.lastBackup());
        const restored = await orCode(restoreFrom(at, at.nextBackup), 'ERR_FILE_NOT_FOUND');
        if (last?.complete === true) expect(restored).not.toBe('ERR_FILE_NOT_FOUND');
      },
      // A backup that exists is refused before anything is noted: the next one under a new name is.
      sweep: async (at) => {
        await withRing(openRing(at), (ring) => ring.backup(join(at.backups, 'third'), BACKUP_PASSPHRASE));
        expect((await withRing(openRing(at), (ring) => ring.lastBackup()))?.complete).toBe(true);
      },
    });
  });

  it('restore: leaves no keyring until it is whole, and the same call completes it', async () => {
    await atEveryStep({
      operation: 'restore',
      every: 12,
      changes: /^(new-ring\/|new\.key$)/,
      async check(at) {
        await expectNothingLost(at);
        const restored = openLocalKeyring(at.newRing, at.newKeyFile, CHEAP);
        const ring = await orCode(restored, 'ERR_KEYRING_NOT_FOUND', 'ERR_KEYRING_DAMAGED', 'ERR_FILE_NOT_FOUND');
        if (typeof ring === 'string') return;
        await expectNothingLost(at, Promise.resolve(ring));
      },
      finished: (at) => expectNothingLost(at, openLocalKeyring(at.newRing, at.newKeyFile, CHEAP)),
      async sweep(at) {
        await writeEverywhere(at, openLocalKeyring(at.newRing, at.newKeyFile, CHEAP));
        await expectSecondNameOnly(at.unlock.keyFile, at.newKeyFile.keyFile);
        await withRing(openRing(at), (ring) => ring.changeUnlock(at.nextUnlock));
      },
    });
  });

  it('restore into a damaged keyring: what was intact stays, and the same call completes it', async () => {
    await atEveryStep({
      operation: 'restore a damaged keyring',
      every: EVERY,
      changes: /^ring\/keys\/default\/00000001\.json/,
      prepare: (at) => truncate(join(at.ring, 'keys/default/00000001.json'), 40),
      check: (at) =>
        withRing(openRing(at), async (ring) => {
          expect(await open(await bytesOf(at.newest), ring.key('default'))).toEqual(OLDER);
          const opened = await orCode(
            open(await bytesOf(at.sealed), ring.key('default')),
            'ERR_KEYRING_DAMAGED',
            'ERR_KEY_NOT_FOUND',
          );
          if (typeof opened !== 'string') expect(Buffer.compare(opened, PLAINTEXT)).toBe(0);
        }),
      finished: (at) => expectNothingLost(at),
      sweep: (at) => writeEverywhere(at),
    });
  });
});

/** Restores a backup beside everything else and opens what was sealed with it. */
async function restoreFrom(at: Places, backup: string): Promise<void> {
  const target = join(at.objects, '..', 'restored');
  const unlock = { keyFile: join(at.objects, '..', 'restored.key') };
  try {
    await restoreLocalKeyring(backup, target, BACKUP_PASSPHRASE, unlock, CHEAP);
    await expectNothingLost(at, openLocalKeyring(target, unlock, CHEAP));
  } finally {
    await rm(target, { recursive: true, force: true });
    await rm(unlock.keyFile, { force: true });
  }
}

/** Temporary files beside a file are other names of one of these, not half-written copies. */
async function expectSecondNameOnly(...files: readonly string[]): Promise<void> {
  const folder = join(files[0]!, '..');
  const known = await Promise.all(files.map(async (file) => (await lstat(file)).ino));
  for (const name of (await readdir(folder)).filter(isTemporary)) {
    expect(known).toContain((await lstat(join(folder, name))).ino);
  }
}
