import fs, { chmod, cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalKeyring, type LocalKeyring, openLocalKeyring } from '../../../src/keys/local/index.ts';
import { scaled } from '../../tier.ts';
import { seenByAll } from '../../../src/keys/local/folder-stamp.ts';
import { startChild } from './child.ts';
import { random, refusal } from './rings.ts';

/** After this a listing of the folder is remembered (see SETTLED_MS of folder-stamp.ts). */
const SETTLED_MS = 3200;

interface Prepared {
  readonly ring: LocalKeyring;
  readonly base: string;
  readonly folder: string;
  readonly unlock: { readonly keyFile: string };
  readonly keyFolder: string;
}

/** Keyrings whose last change is long past, made together, so that all tests wait only once. */
const prepared: Prepared[] = [];
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'waxseal-noticing-'));
  for (let i = 0; i < 6; i += 1) {
    const base = join(root, String(i));
    const folder = join(base, 'ring');
    const unlock = { keyFile: join(base, 'unlock.key') };
    await fs.mkdir(base);
    const ring = await createLocalKeyring(folder, unlock);
    await ring.create('default');
    await cp(join(folder, 'keys', 'default'), join(base, 'older'), { recursive: true });
    await chmod(join(base, 'older'), 0o700);
    await ring.rotate('default');
    prepared.push({ ring, base, folder, unlock, keyFolder: join(folder, 'keys', 'default') });
  }
  await sleep(SETTLED_MS);
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

/** A keyring whose key has been used until its folder is not listed any more. It has two versions. */
async function settledRing(): Promise<Prepared> {
  const made = prepared.pop();
  if (made === undefined) throw new RangeError('make more keyrings in beforeAll');
  const key = made.ring.key('default');
  await key.wrap(random(), random());
  if (process.platform === 'linux') expect(await listingsOf(() => key.wrap(random(), random()))).toBe(0);
  return made;
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
    for (let round = 0; round < scaled(30, 300, 3000); round += 1) {
      // A few times from rest; then as fast as the two of them can, many rotations within one tick of the clock.
      if (round < scaled(1, 3, 10)) {
        await sleep(SETTLED_MS);
        await key.wrap(random(), random());
      }
      child.process.stdin?.write('rotate\n');
      const made: unknown = (await child.lines.next()).value;
      const [secret, binding] = [random(), random()];
      const wrapped = await key.wrap(secret, binding);
      expect(wrapped.version).toBe(made);
      expect((await key.unwrap(wrapped, binding)).secret).toEqual(secret);
    }
    child.process.stdin?.end();
    expect((await child.end()).code).toBe(0);
  });

  it('a version that was suspended elsewhere, and enabled again', async () => {
    const { ring, folder, unlock } = await settledRing();
    const key = ring.key('default');
    const binding = random();
    const wrapped = await key.wrap(random(), binding);
    const other = await openLocalKeyring(folder, unlock);
    await other.setState('default', '2', 'suspended');
    await refusal(key.wrap(random(), random()), 'ERR_KEY_DISABLED');
    await refusal(key.unwrap(wrapped, binding), 'ERR_KEY_DISABLED');
    await other.setState('default', '2', 'active');
    await key.unwrap(wrapped, binding);
  });

  it('a key folder that was replaced by an older copy', async () => {
    const { ring, base, keyFolder } = await settledRing();
    const key = ring.key('default');
    await rename(keyFolder, join(base, 'newer'));
    await rename(join(base, 'older'), keyFolder);
    await seenByAll(keyFolder);
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
    await seenByAll(folder);
    await refusal(key.wrap(random(), random()), 'ERR_KEYRING_DAMAGED');
    await refusal(key.unwrap(wrapped, binding), 'ERR_KEYRING_DAMAGED');
  });

  it('a key folder that others may use from now on', async () => {
    const { ring, keyFolder } = await settledRing();
    const key = ring.key('default');
    for (const loose of [0o040, 0o020, 0o001]) {
      await chmod(keyFolder, 0o700 | loose);
      await seenByAll(keyFolder);
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
