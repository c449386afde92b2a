import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random, testRing } from './rings.ts';

/** The paths that were synced while `work` ran, in order. */
async function syncsOf(work: () => Promise<unknown>): Promise<string[]> {
  const synced: string[] = [];
  const { open } = fs;
  fs.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    const sync = handle.sync.bind(handle);
    handle.sync = () => {
      synced.push(String(path));
      return sync();
    };
    return handle;
  };
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.open = open;
    syncBuiltinESMExports();
  }
  return synced;
}

describe('a power cut', () => {
  it('cannot take away a version that another process made and this one wraps under', async () => {
    const { ring, folder, reopen } = await testRing();
    // Another process may have linked the file and not have come to sync the folder.
    await ring.rotate('default');
    const other = await reopen();
    const key = other.key('default');
    const keys = join(folder, 'keys');
    expect(await syncsOf(() => key.wrap(random(), random()))).toEqual([join(keys, 'default'), keys, folder]);
    expect(await syncsOf(() => key.wrap(random(), random()))).toEqual([]);
  });

  it('finds every file synced before it got its name, and its folder after', async () => {
    const { ring, folder } = await testRing();
    const synced = await syncsOf(() => ring.rotate('default'));
    expect(synced[0]).toMatch(/\.tmp$/);
    expect(synced.at(-1)).toBe(join(folder, 'keys', 'default'));
  });
});
