import { statfs } from 'node:fs/promises';

/**
 * Superblock magics of Linux (statfs(2), magic.h) for file systems where several machines may write, or where a local
 * lock and fsync promise less than they say.
 */
const NETWORK = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x5346414f, 'AFS'],
  [0x19830326, 'BeeGFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);

/**
 * The name of the network file system that holds `path`, or undefined for a local one. Linux only: on other platforms
 * the numbers mean other things, and undefined is returned.
 */
export async function networkFileSystem(path: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { type } = await statfs(path);
  return NETWORK.get(type >>> 0);
}
