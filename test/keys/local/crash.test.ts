import { randomInt } from 'node:crypto';
import { cp, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createLocalKeyring,
  type LocalKeyring,
  openLocalKeyring,
  restoreLocalKeyring,
  type Unlock,
} from '../../../src/keys/local/index.ts';
import type { WrappedSecret } from '../../../src/keys/provider.ts';
import { scaled } from '../../tier.ts';
import { type Death, withDeathAt } from './dying-disk.ts';
import { cheap, random, refusal, snapshot, testRing } from './rings.ts';

interface World {
  readonly base: string;
  readonly folder: string;
  readonly unlock: Unlock & { readonly keyFile: string };
  readonly wraps: readonly {
    readonly wrapped: WrappedSecret;
    readonly secret: Uint8Array;
    readonly bind: Uint8Array;
  }[];
  open(unlock?: Unlock): Promise<LocalKeyring>;
}

async function world(): Promise<World> {
  const { base, folder, unlock, ring } = await testRing();
  const wraps: World['wraps'][number][] = [];
  for (let version = 0; version < 2; version++) {
    const [secret, bind] = [random(), random()];
    wraps.push({ wrapped: await ring.key('default').wrap(secret, bind), secret, bind });
    if (version === 0) await ring.rotate('default');
  }
  await ring.backup(join(base, 'first-backup'), 'backup');
  ring.close();
  return { base, folder, unlock, wraps, open: (way = unlock) => openLocalKeyring(folder, way, cheap) };
}

/** The short tier takes some of the first three steps and then about every sixth, others each time. */
const isShort = scaled(true, false, false);
const stride = (): number => (isShort ? 4 + randomInt(5) : 1);

/**
 * Runs `change` on a copy of one world for every step at which it can die (after a step is before the next), and with
 * every write torn; then `check`, and `change` again, which has to succeed.
 */
async function atEveryStep(
  change: (world: World) => Promise<unknown>,
  check: (world: World) => Promise<unknown>,
  prepare: (world: World) => Promise<unknown> = () => Promise.resolve(),
  again: (world: World) => Promise<unknown> = change,
): Promise<void> {
  const first = await world();
  await prepare(first);
  const saved = `${first.base}-saved`;
  await cp(first.base, saved, { recursive: true });
  try {
    const dieAt = async (step: number, death: Death): Promise<string | undefined> => {
      await rm(first.base, { recursive: true });
      await cp(saved, first.base, { recursive: true });
      const diedAt = await withDeathAt(step, death, () => change(first));
      await check(first);
      await again(first);
      await check(first);
      return diedAt;
    };
    const steps: string[] = [];
    for (let step = isShort ? 1 + randomInt(3) : 1; ; step += stride()) {
      const diedAt = await dieAt(step, 'before');
      if (diedAt === undefined) break;
      steps.push(diedAt);
      if (diedAt === 'write') await dieAt(step, 'torn');
    }
    // A list that nobody reads would pass for a test: something was written, and it got its name or lost it.
    expect(steps.length).toBeGreaterThan(0);
    if (isShort) return;
    expect(steps).toContain('write');
    expect(steps.some((name) => name === 'link' || name === 'rename')).toBe(true);
  } finally {
    await rm(saved, { recursive: true, force: true });
  }
}

/** Everything that was ever wrapped opens, the keyring reads clean, and a new wrap can be made. */
async function allOpens({ wraps, open }: World, unlock?: Unlock): Promise<LocalKeyring> {
  const ring = await open(unlock);
  const key = ring.key('default');
  for (const { wrapped, secret, bind } of wraps) expect((await key.unwrap(wrapped, bind)).secret).toEqual(secret);
  await ring.list();
  await ring.lastBackup();
  const [secret, bind] = [random(), random()];
  const fresh = await key.wrap(secret, bind);
  expect((await key.unwrap(fresh, bind)).secret).toEqual(secret);
  return ring;
}

const orElse = async (code: string, work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if ((error as { code?: string }).code !== code) throw error;
  });

describe('a process that dies at any step of', () => {
  it('rotate leaves the old version or the new one current', async () => {
    await atEveryStep(
      async ({ open }) => (await open()).rotate('default'),
      async (one) => {
        const ring = await allOpens(one);
        const { versions } = await ring.describe('default');
        expect(versions.map(({ state }) => state)).toEqual(
          versions.map((_, at) => (at === versions.length - 1 ? 'active' : 'deactivated')),
        );
        ring.close();
      },
    );
  });

  it('create leaves no key or a whole one', async () => {
    const create = async ({ open }: World): Promise<unknown> => (await open()).create('other');
    await atEveryStep(
      create,
      async (one) => {
        const ring = await allOpens(one);
        for (const { uri } of await ring.list()) await ring.key(uri.slice(6)).wrap(random(), random());
        ring.close();
      },
      undefined,
      (one) => orElse('ERR_KEY_EXISTS', create(one)),
    );
  });

  it('createX25519 leaves no key pair or a whole one', async () => {
    const create = async ({ open }: World): Promise<unknown> => (await open()).createX25519('inbox');
    await atEveryStep(
      create,
      async (one) => {
        const ring = await allOpens(one);
        for (const pair of await ring.x25519Keys()) {
          const [secret, bind] = [random(), random()];
          expect((await pair.unwrap(await pair.wrap(secret, bind), bind)).secret).toEqual(secret);
        }
        ring.close();
      },
      undefined,
      (one) => orElse('ERR_KEY_EXISTS', create(one)),
    );
  });

  it('createLocalKeyring leaves no keyring or a whole one', async () => {
    const make = ({ base }: World): Promise<unknown> =>
      createLocalKeyring(join(base, 'new'), { keyFile: join(base, 'new.key') }, cheap);
    await atEveryStep(
      make,
      async ({ base }) => {
        const opening = openLocalKeyring(join(base, 'new'), { keyFile: join(base, 'new.key') });
        await orElse(
          'ERR_KEYRING_NOT_FOUND',
          opening.then((ring) => ring.close()),
        );
      },
      undefined,
      (one) => orElse('ERR_KEY_EXISTS', make(one)),
    );
  });

  it('setState leaves the old state or the new one, and a destroyed version is never half there', async () => {
    await atEveryStep(
      async ({ open }) => (await open()).setState('default', '1', 'suspended'),
      async ({ open }) =>
        expect(['deactivated', 'suspended']).toContain((await (await open()).describe('default')).versions[0]?.state),
    );
    await atEveryStep(
      async ({ open }) => (await open()).setState('default', '1', 'destroyed'),
      async ({ open, wraps }) => {
        const ring = await open();
        const { versions } = await ring.describe('default');
        const first = wraps[0];
        if (first === undefined) throw new Error('no wrap');
        const unwrap = ring.key('default').unwrap(first.wrapped, first.bind);
        if (versions[0]?.state === 'destroyed') await refusal(unwrap, 'ERR_KEY_DISABLED');
        else await unwrap;
      },
      undefined,
      async (one) => {
        await (await one.open()).setState('default', '1', 'destroyed');
        expect(await readdir(join(one.folder, 'keys/default'))).not.toContain('00000001.json');
      },
    );
  });

  it('changeUnlock leaves the old way or the new one', async () => {
    const next: Unlock = { passphrase: 'next' };
    let ways: Unlock[] = [];
    const either = async (one: World): Promise<Unlock> => {
      const opens = (unlock: Unlock): Promise<boolean> =>
        one.open(unlock).then(
          (ring) => (ring.close(), true),
          () => false,
        );
      ways = [];
      for (const way of [one.unlock, next]) if (await opens(way)) ways.push(way);
      expect(ways).toHaveLength(1);
      return ways[0] ?? next;
    };
    await atEveryStep(
      async ({ open }) => (await open()).changeUnlock(next),
      async (one) => (await allOpens(one, await either(one))).close(),
      undefined,
      async (one) => (await one.open(await either(one))).changeUnlock(next),
    );
  });

  it('backup leaves no backup or a good one, and never says complete without one', async () => {
    const path = (base: string): string => join(base, 'second-backup');
    await atEveryStep(
      async ({ open, base }) => (await open()).backup(path(base), 'two'),
      async (one) => {
        const ring = await allOpens(one);
        const complete = (await ring.lastBackup())?.complete;
        const target = join(one.base, 'from-backup');
        const restored = restoreLocalKeyring(path(one.base), target, 'two', { keyFile: join(one.base, 'k') }, cheap);
        await orElse(
          'ERR_FILE_NOT_FOUND',
          restored.then(async () => {
            await (await openLocalKeyring(target, { keyFile: join(one.base, 'k') })).list();
            await rm(target, { recursive: true });
          }),
        );
        if (complete === true) await restored;
        ring.close();
      },
      async ({ open }) => (await open()).rotate('default'),
      async ({ open, base }) => orElse('ERR_OUTPUT_EXISTS', (await open()).backup(path(base), 'two')),
    );
  });

  it('restore leaves no keyring until it is whole, and the same call completes it', async () => {
    const restore = ({ base, folder, unlock }: World): Promise<unknown> =>
      restoreLocalKeyring(join(base, 'first-backup'), folder, 'backup', unlock, cheap);
    let restoredOnce = false;
    await atEveryStep(
      restore,
      async (one) => {
        const opened = await one.open().catch((error: unknown) => {
          expect(['ERR_KEYRING_NOT_FOUND', 'ERR_KEYRING_DAMAGED']).toContain((error as { code?: string }).code);
          return undefined;
        });
        opened?.close();
        if (opened !== undefined) {
          restoredOnce = true;
          (await allOpens(one)).close();
        }
      },
      ({ folder }) => rm(folder, { recursive: true }),
    );
    expect(restoredOnce).toBe(true);
  });

  it('restore into a damaged keyring never loses what was intact', async () => {
    const restore = ({ base, folder, unlock }: World): Promise<unknown> =>
      restoreLocalKeyring(join(base, 'first-backup'), folder, 'backup', unlock, cheap);
    await atEveryStep(
      restore,
      async (one) => expect((await snapshot(one.folder)).has('keys/default/00000002.json')).toBe(true),
      async ({ folder }) => {
        await truncate(join(folder, 'keys/default/00000001.json'), 40);
      },
      async (one) => {
        await restore(one);
        (await allOpens(one)).close();
      },
    );
  });
});
