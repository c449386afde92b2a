import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listTemporaries, openAtomicOutput, removeStaleTemporaries, temporaryName } from '../../src/files/index.ts';
import { atomicWrite } from '../support/atomic-write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { startFileProcess } from './processes.ts';

/** The parts of the name that a process of this machine gives to a temporary file. */
async function nameParts(): Promise<{ machine: string; pid: string; start: string; random: string }> {
  const folder = await temporaryFolder();
  const output = await openAtomicOutput(join(folder, 'x'), { overwrite: true });
  const [name = ''] = await readdir(folder);
  await output.discard();
  const [, machine = '', pid = '', start = '', random = ''] =
    /^\.waxseal-([0-9a-f]{12})-([0-9]+)-([0-9]+)-([0-9a-f]{16})\.tmp$/.exec(name) ?? [];
  return { machine, pid, start, random };
}

/** The number of a process that has ended. */
async function deadPid(folder: string): Promise<{ pid: string; start: string }> {
  const child = await startFileProcess('leave', join(folder, 'x'));
  const [name = ''] = (await readdir(folder)).filter((entry) => entry.includes(`-${String(child.pid)}-`));
  await child.kill();
  const [, start = ''] = /-([0-9]+)-[0-9a-f]{16}\.tmp$/.exec(name) ?? [];
  return { pid: String(child.pid), start };
}

describe('temporary files', () => {
  it('of a process that was killed are removed; those of a living one stay until it dies', async () => {
    const folder = await temporaryFolder();
    const [dead, living] = await Promise.all([
      startFileProcess('leave', join(folder, 'a')),
      startFileProcess('leave', join(folder, 'b')),
    ]);
    await dead.kill();
    expect(await readdir(folder)).toHaveLength(2);
    const removed = await removeStaleTemporaries(folder);
    expect(removed).toHaveLength(1);
    expect(removed[0]).toContain(`-${String(dead.pid)}-`);
    expect(await readdir(folder)).toHaveLength(1);
    await living.kill();
    expect(await removeStaleTemporaries(folder)).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('are listed with whose they are, and nothing is removed by that', async () => {
    const folder = await temporaryFolder();
    const dead = await startFileProcess('leave', join(folder, 'a'));
    await dead.kill();
    const mine = temporaryName();
    await writeFile(join(folder, mine), '');
    const other = mine.replace(/^\.waxseal-[0-9a-f]{12}/, '.waxseal-0123456789ab');
    await writeFile(join(folder, other), '');
    await writeFile(join(folder, 'model.tmp'), '');
    const listed = await listTemporaries(folder);
    expect(listed).toHaveLength(3);
    expect(listed).toContainEqual({ name: mine, owner: 'living' });
    expect(listed).toContainEqual({ name: other, owner: 'elsewhere' });
    expect(listed.find(({ owner }) => owner === 'dead')?.name).toContain(`-${String(dead.pid)}-`);
    expect(await readdir(folder)).toHaveLength(4);
    await expect(listTemporaries(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of this process, of other machines and of other programs are kept, whatever their age', async () => {
    const folder = await temporaryFolder();
    const { machine, pid, start, random } = await nameParts();
    expect(pid).toBe(String(process.pid));
    const other = machine.startsWith('0') ? machine.replace('0', '1') : machine.replace(/^./, '0');
    const dead = await deadPid(await temporaryFolder());
    const kept = [
      `.waxseal-${machine}-${pid}-${start}-${random}.tmp`,
      `.waxseal-${other}-${dead.pid}-${dead.start}-${random}.tmp`,
      `.waxseal-${machine}-${dead.pid}-${dead.start}-${random}.tmp.wax`,
      `.waxseal-${machine}-${dead.pid}-${random}.tmp`,
      `waxseal-${machine}-${dead.pid}-${dead.start}-${random}.tmp`,
      '.waxseal.lock',
      'model.tmp',
    ];
    const gone = `.waxseal-${machine}-${dead.pid}-${dead.start}-${random}.tmp`;
    for (const name of [...kept, gone]) {
      await writeFile(join(folder, name), name);
      await utimes(join(folder, name), 0, 0);
    }
    expect(await removeStaleTemporaries(folder)).toEqual([gone]);
    expect((await readdir(folder)).sort()).toEqual(kept.sort());
  });

  it.skipIf(process.platform !== 'linux')(
    'of a dead process whose number another one has now are removed: its start time is another',
    async () => {
      const folder = await temporaryFolder();
      const { machine, pid, start, random } = await nameParts();
      const reused = `.waxseal-${machine}-${pid}-${String(Number(start) - 1)}-${random}.tmp`;
      await writeFile(join(folder, reused), '');
      expect(await removeStaleTemporaries(folder)).toEqual([reused]);
      // A process that is there and whose start nobody knows (no /proc when it was named) is taken for alive.
      const unknown = `.waxseal-${machine}-${pid}-0-${random}.tmp`;
      await writeFile(join(folder, unknown), '');
      expect(await removeStaleTemporaries(folder)).toEqual([]);
    },
  );

  it('go with the next write into the folder, also when that write is refused', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'target');
    const { machine, random } = await nameParts();
    const dead = await deadPid(await temporaryFolder());
    const stale = join(folder, `.waxseal-${machine}-${dead.pid}-${dead.start}-${random}.tmp`);
    await writeFile(path, 'older');
    await writeFile(stale, 'half of it');
    const refused = atomicWrite(path, new Uint8Array(1), { overwrite: false });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
    expect(await readdir(folder)).toEqual(['target']);
    expect(await readFile(path, 'utf8')).toBe('older');
  });

  it('that cannot be removed, and folders that cannot be read, do not stop anybody', async () => {
    const folder = await temporaryFolder();
    const { machine, random } = await nameParts();
    const dead = await deadPid(await temporaryFolder());
    const odd = join(folder, `.waxseal-${machine}-${dead.pid}-${dead.start}-${random}.tmp`);
    await mkdir(odd);
    expect(await removeStaleTemporaries(folder)).toEqual([]);
    expect((await stat(odd)).isDirectory()).toBe(true);
    await atomicWrite(join(folder, 'x'), new Uint8Array(1), { overwrite: false });
    expect(await removeStaleTemporaries(join(folder, 'missing'))).toEqual([]);
  });
});
