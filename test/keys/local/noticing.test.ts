import fs, { chmod, cp, rename, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../tier.ts';
import { startChild } from './child.ts';
import { random, refusal, type TestRing, testRing } from './rings.ts';

/** After this a listing of the folder is remembered (see SETTLED_MS of folder-stamp.ts). */
const SETTLED_MS = 3200;

/** A keyring whose key has been used until its folder is not listed any more. */
async function settledRing(): Promise<TestRing & { readonly keyFolder: string }> {
  const made = await testRing();
  await sleep(SETTLED_MS);
  const key = made.ring.key('default');
  await key.wrap(random(), random());
  if (process.platform === 'linux') expect(await listingsOf(() => key.wrap(random(), random()))).toBe(0);
  return { ...made, keyFolder: join(made.folder, 'keys', 'default') };
}

/** How often a folder was listed while `work` ran. */
async function listingsOf(work: () => Promise<unknown>): Promise<number> {
  let listings = 0;
  const { readdir } = fs;
  fs.readdir = ((...args: Parameters<typeof readdir>) => {
    listings += 1;
    return readdir(...args);
  }) as typeof readdir;
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.readdir = readdir;
    syncBuiltinESMExports();
  }
  return listings;
}

describe('the next call notices at once, also when the folder is not listed any more', () => {
  it('a rotation by another process, every time', async () => {
    const { ring, folder, unlock } = await settledRing();
    const key = ring.key('default');
    const child = startChild('obedient-process.ts', [folder, unlock.keyFile]);
    expect((await child.lines.next()).value).toBe('ready');
    for (let round = 0; round < scaled(60, 300, 3000); round += 1) {
      // A few times from rest; then as fast as the two of them can, many rotations within one tick of the clock.
      if (round < scaled(1, 3, 10)) {
        await sleep(SETTLED_MS);
        await key.wrap(random(), random());
      }
      child.process.stdin?.write('rotate\n');
      const { value } = await child.lines.next();
      const [secret, binding] = [random(), random()];
      const wrapped = await key.wrap(secret, binding);
      expect(wrapped.version).toBe(value);
      expect((await key.unwrap(wrapped, binding)).secret).toEqual(secret);
    }
    child.process.stdin?.end();
    expect((await child.end()).code).toBe(0);
  });

  it('a version that was suspended elsewhere, and enabled again', async () => {
    const { ring, reopen } = await settledRing();
    const key = ring.key('default');
    const binding = random();
    const wrapped = await key.wrap(random(), binding);
    const other = await reopen();
    await other.setState('default', '1', 'suspended');
    await refusal(key.wrap(random(), random()), 'ERR_KEY_DISABLED');
    await refusal(key.unwrap(wrapped, binding), 'ERR_KEY_DISABLED');
    await other.setState('default', '1', 'active');
    await key.unwrap(wrapped, binding);
  });

  it('a key folder that was replaced by an older copy', async () => {
    const { ring, base, keyFolder } = await testRing().then((made) => ({
      ...made,
      keyFolder: join(made.folder, 'keys', 'default'),
    }));
    await cp(keyFolder, join(base, 'older'), { recursive: true, preserveTimestamps: true });
    await chmod(join(base, 'older'), 0o700);
    const key = ring.key('default');
    await ring.rotate('default');
    await sleep(SETTLED_MS);
    await key.wrap(random(), random());
    await rename(keyFolder, join(base, 'newer'));
    await rename(join(base, 'older'), keyFolder);
    const error = await refusal(key.wrap(random(), random()), 'ERR_KEYRING_DAMAGED');
    expect(error.message).toContain('rolled back');
    await rm(keyFolder, { recursive: true });
    await rename(join(base, 'newer'), keyFolder);
    await key.wrap(random(), random());
  });

  it('a keyring that was deleted', async () => {
    const { ring, folder } = await settledRing();
    const key = ring.key('default');
    const binding = random();
    const wrapped = await key.wrap(random(), binding);
    await rm(folder, { recursive: true });
    await refusal(key.wrap(random(), random()), 'ERR_KEYRING_DAMAGED');
    await refusal(key.unwrap(wrapped, binding), 'ERR_KEYRING_DAMAGED');
  });

  it('a key folder that others may use from now on', async () => {
    const { ring, keyFolder } = await settledRing();
    const key = ring.key('default');
    for (const loose of [0o040, 0o020, 0o001]) {
      await chmod(keyFolder, 0o700 | loose);
      const error = await refusal(key.wrap(random(), random()), 'ERR_KEYRING_PERMISSIONS');
      expect(error.next).toContain(`chmod 700 ${keyFolder}`);
      await chmod(keyFolder, 0o700);
      await key.wrap(random(), random());
    }
  });

  it('that the keyring was closed', async () => {
    const { ring } = await settledRing();
    const key = ring.key('default');
    ring.close();
    await expect(key.wrap(random(), random())).rejects.toThrow(TypeError);
  });
});
