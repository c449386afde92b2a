import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withFolderLock } from '../../src/files/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { startFileProcess } from './processes.ts';

const LOCK_FILE = '.waxseal.lock';
const nothing = (): Promise<string> => Promise.resolve('done');

describe('the lock of a folder', () => {
  it('gives what the work gives, passes on what it throws, and is free after both', async () => {
    const folder = await temporaryFolder();
    const free = { timeoutMs: 0 };
    expect(await withFolderLock(folder, free, nothing)).toBe('done');
    const failing = withFolderLock(folder, free, () => Promise.reject(new RangeError('mine')));
    await expect(failing).rejects.toThrow(new RangeError('mine'));
    const throwing = withFolderLock(folder, free, () => {
      throw new RangeError('at once');
    });
    await expect(throwing).rejects.toThrow('at once');
    expect(await withFolderLock(folder, free, nothing)).toBe('done');
    expect(await readdir(folder)).toEqual([LOCK_FILE]);
    expect((await stat(join(folder, LOCK_FILE))).size).toBe(0);
  });

  it('two calls in one process exclude each other, and nobody starves', async () => {
    const folder = await temporaryFolder();
    let inside = 0;
    let entered = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withFolderLock(folder, {}, async () => {
          inside += 1;
          expect(inside).toBe(1);
          await sleep(2);
          inside -= 1;
          entered += 1;
        }),
      ),
    );
    expect(entered).toBe(20);
  });

  it('of another folder is another lock; two names of one folder are one lock', async () => {
    const [one, two] = [await temporaryFolder(), await temporaryFolder()];
    const alias = join(two, 'alias');
    await symlink(one, alias);
    await withFolderLock(one, {}, async () => {
      expect(await withFolderLock(two, { timeoutMs: 0 }, nothing)).toBe('done');
      const same = withFolderLock(alias, { timeoutMs: 50 }, nothing);
      await expect(same).rejects.toMatchObject({ code: 'ERR_BUSY', retryable: true, object: alias });
    });
  });

  it('held by another process: ERR_BUSY when the time is up, and not before', async () => {
    const folder = await temporaryFolder();
    const holder = await startFileProcess('lock', folder);
    expect(holder.first).toBe('locked');
    for (const timeoutMs of [0, 300]) {
      const start = performance.now();
      await expect(withFolderLock(folder, { timeoutMs }, nothing)).rejects.toMatchObject({ code: 'ERR_BUSY' });
      expect(performance.now() - start).toBeGreaterThanOrEqual(timeoutMs);
      expect(performance.now() - start).toBeLessThan(timeoutMs + 1000);
    }
    await holder.kill();
  });

  it('is freed by the kernel when its holder is killed, with nothing left but the empty lock file', async () => {
    const folder = await temporaryFolder();
    const holder = await startFileProcess('lock', folder);
    const waiting = withFolderLock(folder, { timeoutMs: 20_000 }, nothing);
    await sleep(50);
    await holder.kill();
    expect(await readdir(folder)).toEqual([LOCK_FILE]);
    expect(await waiting).toBe('done');
    expect(await withFolderLock(folder, { timeoutMs: 0 }, nothing)).toBe('done');
    expect(await readdir(folder)).toEqual([LOCK_FILE]);
    expect((await stat(join(folder, LOCK_FILE))).size).toBe(0);
  });

  it('does not block the event loop of whoever waits', async () => {
    const folder = await temporaryFolder();
    const holder = await startFileProcess('lock', folder);
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    await expect(withFolderLock(folder, { timeoutMs: 300 }, nothing)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(10);
    await holder.kill();
  });

  it('an abort signal ends the waiting, and one that came before keeps it from beginning', async () => {
    const folder = await temporaryFolder();
    const gone = AbortSignal.abort(new Error('too late'));
    let worked = false;
    const work = async (): Promise<void> => {
      worked = true;
    };
    await expect(withFolderLock(folder, { signal: gone }, work)).rejects.toThrow('too late');
    const controller = new AbortController();
    await withFolderLock(folder, {}, async () => {
      const waiting = withFolderLock(folder, { signal: controller.signal }, work);
      setTimeout(() => {
        controller.abort();
      }, 30);
      const start = performance.now();
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
      expect(performance.now() - start).toBeLessThan(5000);
    });
    expect(worked).toBe(false);
    expect(await withFolderLock(folder, { timeoutMs: 0 }, nothing)).toBe('done');
  });

  it('in a folder that is not there: says so', async () => {
    const missing = withFolderLock(join(await temporaryFolder(), 'missing'), {}, nothing);
    await expect(missing).rejects.toMatchObject({ code: 'ERR_NOT_WRITABLE' });
  });

  it('a file of that name that is not ours is refused, and neither opened nor changed', async () => {
    for (const plant of [
      (path: string) => writeFile(path, 'SQLite format 3\0 and so on'),
      (path: string) => mkdir(path),
      (path: string) => symlink('/etc/hostname', path),
    ]) {
      const folder = await temporaryFolder();
      const path = join(folder, LOCK_FILE);
      await plant(path);
      const refused = withFolderLock(folder, {}, nothing);
      await expect(refused).rejects.toMatchObject({ code: 'ERR_IO', object: path });
      expect(await readdir(folder)).toEqual([LOCK_FILE]);
      await rm(path, { recursive: true });
      expect(await withFolderLock(folder, {}, nothing)).toBe('done');
    }
  });
});
