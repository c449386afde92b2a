import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seenByAll, StampedListing } from '../../../src/keys/local/folder-stamp.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';

const isLinux = process.platform === 'linux';

/** Longer than any file system needs for a new stamp (see SETTLED_MS). */
const SETTLED_MS = 3200;

/** Folders with two files whose last change is long past, made together, so that all tests wait only once. */
const folders: string[] = [];
let base = '';

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'waxseal-stamp-'));
  for (let i = 0; i < 9; i += 1) {
    const folder = join(base, String(i));
    await mkdir(folder);
    for (const name of ['a', 'b']) await writeFile(join(folder, name), name);
    folders.push(folder);
  }
  await sleep(SETTLED_MS);
});

afterAll(() => rm(base, { recursive: true }));

function settledFolder(): string {
  const folder = folders.pop();
  if (folder === undefined) throw new RangeError('make more folders in beforeAll');
  return folder;
}

async function remembered(folder: string): Promise<StampedListing<string[]>> {
  const stamped = new StampedListing<string[]>(folder);
  const remember = await stamped.begin();
  remember(await readdir(folder));
  expect(stamped.current()).toEqual(['a', 'b']);
  return stamped;
}

describe.runIf(isLinux)('a listing is remembered while the stamp of its folder stays as it was', () => {
  const changes: Record<string, (folder: string) => Promise<unknown>> = {
    'a file that is made': (folder) => writeFile(join(folder, 'c'), 'c'),
    'a file that is removed': (folder) => rm(join(folder, 'a')),
    'a file that is renamed': (folder) => rename(join(folder, 'a'), join(folder, 'c')),
    'another folder in its place': async (folder) => {
      await rename(folder, `${folder}.old`);
      await mkdir(folder);
    },
    'the folder removed': (folder) => rm(folder, { recursive: true }),
    'a file that is made, and the time of the folder set back': async (folder) => {
      const { atime, mtime } = await stat(folder);
      await writeFile(join(folder, 'c'), 'c');
      await utimes(folder, atime, mtime);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`and not after ${name}`, async () => {
      const folder = settledFolder();
      const stamped = await remembered(folder);
      await change(folder);
      await seenByAll(folder);
      expect(stamped.current()).toBeUndefined();
    });
  }

  it('and not when the change came between the stamp and the listing, or between the listing and its end', async () => {
    const folder = settledFolder();
    const stamped = new StampedListing<string[]>(folder);
    const remember = await stamped.begin();
    const listed = await readdir(folder);
    await writeFile(join(folder, 'c'), 'c');
    remember(listed);
    expect(stamped.current()).toBeUndefined();
  });

  it('and not after a change that was waited for, however often it was looked at before', async () => {
    const folder = settledFolder();
    const stamped = await remembered(folder);
    for (let i = 0; i < 1000; i += 1) stamped.current();
    const began = performance.now();
    await writeFile(join(folder, 'c'), 'c');
    await seenByAll(folder);
    // The promise of a look is half of what a writer waits for.
    expect(performance.now() - began).toBeGreaterThanOrEqual(2);
    expect(stamped.current()).toBeUndefined();
  });

  it('is what is given until it is forgotten', async () => {
    const stamped = await remembered(settledFolder());
    expect(stamped.current()).toEqual(['a', 'b']);
    stamped.forget();
    expect(stamped.current()).toBeUndefined();
  });
});

describe('a stamp that cannot be relied on is not used', () => {
  it('files made within one tick of the clock are never missed', async () => {
    const folder = await temporaryFolder();
    const stamped = new StampedListing<string[]>(folder);
    for (let made = 1; made <= scaled(200, 2000, 20000); made += 1) {
      await writeFile(join(folder, String(made)), '');
      expect((stamped.current() ?? (await readdir(folder))).length).toBe(made);
      const remember = await stamped.begin();
      remember(await readdir(folder));
      // The next file may get the very same stamp, on a kernel whose clock has not moved since.
      expect(stamped.current()).toBeUndefined();
    }
  });

  it('on a file system whose stamps say nothing', async () => {
    // procfs makes its times up.
    const path = isLinux ? '/proc/self' : await temporaryFolder();
    const stamped = new StampedListing<string>(path);
    (await stamped.begin())('listing');
    expect(stamped.current()).toBeUndefined();
  });

  it('of a folder that is not there', async () => {
    const stamped = new StampedListing<string>(join(await temporaryFolder(), 'nothing'));
    (await stamped.begin())('listing');
    expect(stamped.current()).toBeUndefined();
  });
});
