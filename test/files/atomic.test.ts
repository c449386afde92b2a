import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAtomicOutput, syncFolder } from '../../src/files/index.ts';
import { atomicWrite } from '../support/atomic-write.ts';
import { pattern } from '../support/bytes.ts';
import { leftovers, temporaryFolder } from '../support/folder.ts';
import { scaled } from '../tier.ts';
import { systemError, withFault } from './faults.ts';
import { startFileProcess } from './processes.ts';

const bytes = pattern(10_000);
const keep = { overwrite: false } as const;
const over = { overwrite: true } as const;

describe('an atomic file', () => {
  it('does not exist before its commit and is whole after it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'target');
    const output = await openAtomicOutput(path, keep);
    await output.handle.write(bytes);
    expect(await readdir(folder)).toEqual([output.temporaryPath.slice(folder.length + 1)]);
    await output.commit();
    expect(await readdir(folder)).toEqual(['target']);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    await output.discard();
    expect(await readdir(folder)).toEqual(['target']);
  });

  it('that is discarded leaves nothing, and an older file as it was', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'target');
    await writeFile(path, 'older');
    const output = await openAtomicOutput(path, over);
    await output.handle.write(bytes);
    await output.discard();
    await output.discard();
    expect(await readdir(folder)).toEqual(['target']);
    expect(await readFile(path, 'utf8')).toBe('older');
  });

  it('replaces only where it may, and refuses before anything is written', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'target');
    await writeFile(path, 'older');
    await expect(atomicWrite(path, bytes, keep)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
    expect(await readFile(path, 'utf8')).toBe('older');
    await atomicWrite(path, bytes, over);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    expect(await leftovers(folder)).toEqual([]);
  });

  it('refuses a target that appears while it is written, also a dangling link', async () => {
    const folder = await temporaryFolder();
    for (const make of [
      (path: string) => writeFile(path, 'theirs'),
      (path: string) => symlink(join(folder, 'nowhere'), path),
      (path: string) => mkdir(path),
    ]) {
      const path = join(folder, `target-${String((await readdir(folder)).length)}`);
      const output = await openAtomicOutput(path, keep);
      await output.handle.write(bytes);
      await make(path);
      await expect(output.commit()).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
      await output.discard();
      expect(await leftovers(folder)).toEqual([]);
    }
    await expect(stat(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('replaces a symbolic link, not what it points to', async () => {
    const folder = await temporaryFolder();
    const [path, other] = [join(folder, 'link'), join(folder, 'other')];
    await writeFile(other, 'other');
    await symlink(other, path);
    await atomicWrite(path, bytes, over);
    expect(await readFile(other, 'utf8')).toBe('other');
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
  });

  it('has the permission bits that were asked for, and no others on the way', async () => {
    const folder = await temporaryFolder();
    const output = await openAtomicOutput(join(folder, 'private'), { overwrite: false, mode: 0o600 });
    expect((await stat(output.temporaryPath)).mode & 0o777).toBe(0o600);
    await output.commit();
    expect((await stat(join(folder, 'private'))).mode & 0o777).toBe(0o600);
    // Without any they are those of every other file: as the umask has it.
    await atomicWrite(join(folder, 'public'), bytes, keep);
    await writeFile(join(folder, 'ordinary'), bytes);
    expect((await stat(join(folder, 'public'))).mode).toBe((await stat(join(folder, 'ordinary'))).mode);
  });

  it('in a folder that is missing, no folder or not writable: says so', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(atomicWrite(join(folder, 'no', 'x'), bytes, keep)).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    await expect(atomicWrite(join(folder, 'file', 'x'), bytes, keep)).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    const locked = join(folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    const refusing = (): Promise<never> => Promise.reject(systemError('EACCES', 'open'));
    const write = (): Promise<void> => atomicWrite(join(locked, 'x'), bytes, keep);
    // Root is refused nothing: there the kernel's answer is made up.
    const attempt = process.getuid?.() === 0 ? withFault('promises', 'open', () => refusing, write) : write();
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_NOT_WRITABLE' });
  });

  it.each([
    ['write', 'ENOSPC', 'ERR_DISK_FULL'],
    ['write', 'EIO', 'ERR_IO'],
    ['sync', 'EIO', 'ERR_IO'],
    ['sync', 'EDQUOT', 'ERR_DISK_FULL'],
  ])('whose %s fails with %s: %s, the older file as it was, nothing left behind', async (call, system, code) => {
    const folder = await temporaryFolder();
    const path = join(folder, 'target');
    await writeFile(path, 'older');
    const fail = (): Promise<never> => Promise.reject(systemError(system, call));
    const writing = withFault(
      'handle',
      call,
      () => fail,
      () => atomicWrite(path, bytes, over),
    );
    await expect(writing).rejects.toMatchObject({ code, object: path });
    expect(await readFile(path, 'utf8')).toBe('older');
    expect(await readdir(folder)).toEqual(['target']);
  });

  it.each(['rename', 'link'])('whose %s fails leaves nothing behind', async (call) => {
    const folder = await temporaryFolder();
    const fail = (): Promise<never> => Promise.reject(systemError('EIO', call));
    const writing = withFault(
      'promises',
      call,
      () => fail,
      () => atomicWrite(join(folder, 'target'), bytes, { overwrite: call === 'rename' }),
    );
    await expect(writing).rejects.toMatchObject({ code: 'ERR_IO' });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])(
    'on a file system without hard links (%s) gets its name all the same, and still refuses an existing one',
    async (system) => {
      const folder = await temporaryFolder();
      const path = join(folder, 'target');
      const fail = (): Promise<never> => Promise.reject(systemError(system, 'link'));
      await withFault(
        'promises',
        'link',
        () => fail,
        async () => {
          await atomicWrite(path, bytes, keep);
          await expect(atomicWrite(path, pattern(5), keep)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
          const output = await openAtomicOutput(join(folder, 'late'), keep);
          await writeFile(join(folder, 'late'), 'theirs');
          await expect(output.commit()).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
          await output.discard();
        },
      );
      expect(new Uint8Array(await readFile(path))).toEqual(bytes);
      expect(await readFile(join(folder, 'late'), 'utf8')).toBe('theirs');
      expect(await leftovers(folder)).toEqual([]);
    },
  );

  it.each(['EPERM', 'ENOSYS'])('that must be strictly new is refused without hard links (%s)', async (system) => {
    const folder = await temporaryFolder();
    const fail = (): Promise<never> => Promise.reject(systemError(system, 'link'));
    await withFault(
      'promises',
      'link',
      () => fail,
      async () => {
        const output = await openAtomicOutput(join(folder, 'target'), { overwrite: false, strictlyNew: true });
        await output.handle.write(bytes);
        await expect(output.commit()).rejects.toMatchObject({ code: 'ERR_IO' });
        await output.discard();
      },
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('is durable before it is visible: the file is synced, then named, then its folder is synced', async () => {
    for (const overwrite of [false, true]) {
      const folder = await temporaryFolder();
      const steps: string[] = [];
      const noted = (name: string) => (original: (...args: unknown[]) => unknown) =>
        function (this: unknown, ...args: unknown[]): unknown {
          steps.push(name);
          return original.apply(this, args);
        };
      await withFault('handle', 'sync', noted('sync'), () =>
        withFault('promises', 'link', noted('name'), () =>
          withFault('promises', 'rename', noted('name'), () => atomicWrite(join(folder, 'x'), bytes, { overwrite })),
        ),
      );
      expect(steps).toEqual(['sync', 'name', 'sync']);
    }
  });

  it('no overwrite race: of several processes that write one target exactly one wins, and it is whole', async () => {
    const folder = await temporaryFolder();
    const rounds = scaled(50, 500, 20_000);
    const path = join(folder, 'target');
    const children = await Promise.all([0, 1, 2].map(() => startFileProcess('write', path, String(rounds))));
    for (const child of children) child.begin();
    const wins = await Promise.all(children.map((child) => child.rest()));
    expect(wins.flat().sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: rounds }, (_, i) => i));
    for (const [i, child] of children.entries()) {
      for (const round of wins[i] ?? []) {
        const text = await readFile(`${path}-${String(round)}`, 'utf8');
        expect(text).toBe(`${String(child.pid)}\n`.repeat(2000));
      }
    }
    expect(await leftovers(folder)).toEqual([]);
  });
});

describe('syncFolder', () => {
  it('leaves file systems alone that cannot sync a folder, and tells of real failures', async () => {
    const folder = await temporaryFolder();
    const failing = (code: string) => () => (): Promise<never> => Promise.reject(systemError(code, 'fsync'));
    for (const code of ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP']) {
      await withFault('handle', 'sync', failing(code), () => syncFolder(folder));
    }
    const broken = withFault('handle', 'sync', failing('EIO'), () => syncFolder(folder));
    await expect(broken).rejects.toMatchObject({ code: 'EIO' });
  });
});
