import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { networkFileSystem } from '../../src/files/index.ts';
import { addRecipient, inspect, removeRecipient, repair, rewrap, seal } from '../../src/envelope/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { withFault } from './faults.ts';

/** Numbers as `stat -f -c %t` prints them on Linux. */
const NETWORK = {
  '6969': 'NFS',
  '517b': 'SMB',
  ff534d42: 'CIFS',
  fe534d42: 'SMB2',
  '1021997': '9P',
  '65735546': 'FUSE',
  c36400: 'Ceph',
  bd00bd0: 'Lustre',
  '47504653': 'GPFS',
  '5346414f': 'AFS',
  '19830326': 'BeeGFS',
  '7461636f': 'OCFS2',
  '1161970': 'GFS2',
};
const LOCAL = { ef53: 'ext4', '58465342': 'XFS', '9123683e': 'Btrfs', '1021994': 'tmpfs', '2fc12fc1': 'ZFS' };

const on = <T>(type: number, work: () => Promise<T>): Promise<T> =>
  withFault('promises', 'statfs', () => () => Promise.resolve({ type }), work);

describe.skipIf(process.platform !== 'linux')('network file systems', () => {
  it.each(Object.entries(NETWORK))('0x%s is %s', async (magic, name) => {
    const type = Number.parseInt(magic, 16);
    expect(await on(type, () => networkFileSystem('/x'))).toBe(name);
    // Some kernels and builds hand the number out signed.
    expect(await on(type | 0, () => networkFileSystem('/x'))).toBe(name);
  });

  it.each(Object.entries(LOCAL))('0x%s (%s) is local', async (magic) => {
    expect(await on(Number.parseInt(magic, 16), () => networkFileSystem('/x'))).toBeUndefined();
  });

  it('the disk of this test is local', async () => {
    expect(await networkFileSystem(await temporaryFolder())).toBeUndefined();
  });

  it('rewriting in place is refused there before anything is touched, unless the caller vouches for it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.wax');
    const [key, other] = [memoryKey(), memoryKey('local:other')];
    const sealed = await seal(new Uint8Array(10), [key, other]);
    await writeFile(path, sealed);
    key.bump();
    const verbs: (() => Promise<unknown>)[] = [
      () => rewrap(path, key),
      () => addRecipient(path, key, memoryKey('local:third')),
      () => removeRecipient(path, key, 'local:other'),
      () => repair(path, key),
    ];
    for (const verb of verbs) {
      const refused = on(0x6969, verb);
      await expect(refused).rejects.toMatchObject({ code: 'ERR_NETWORK_FILE_SYSTEM' });
      await expect(refused).rejects.toThrow('NFS');
    }
    expect(new Uint8Array(await readFile(path))).toEqual(sealed);
    expect(await readdir(folder)).toEqual(['x.wax']);
    await on(0x6969, () => rewrap(path, key, { allowNetworkFileSystem: true }));
    expect((await inspect(path)).recipients.map(({ version }) => version)).toEqual(['2', '1']);
  });
});
