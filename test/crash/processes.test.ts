/** Real processes that change one object at the same time. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, open, openObject, rewrap, seal, sealFile, verify } from '../../src/envelope/index.ts';
import { createLocalKeyring, type LocalKeyring } from '../../src/keys/local/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scaled } from '../tier.ts';
import { CHEAP } from './support/operations.ts';
import { type Writer, withWriters } from './support/writers.ts';

const plaintext = pattern(20_000);

interface Shared {
  readonly folder: string;
  readonly keyFile: string;
  readonly ring: LocalKeyring;
  readonly key: KeyProvider;
  readonly object: string;
}

async function shared(names: readonly string[] = []): Promise<Shared> {
  const base = await temporaryFolder();
  const [folder, keyFile, object] = [join(base, 'ring'), join(base, 'unlock.key'), join(base, 'object.wax')];
  const ring = await createLocalKeyring(folder, { keyFile }, CHEAP);
  for (const name of ['default', ...names]) await ring.create(name);
  const key = ring.key('default');
  await sealFile([plaintext], object, key);
  return { folder, keyFile, ring, key, object };
}

/** Opens the object again and again while `work` runs; every single time it has to give the plaintext. */
async function alwaysOpens(object: string, key: KeyProvider, work: Promise<unknown>): Promise<number> {
  let running = true;
  let times = 0;
  const ended = work.finally(() => {
    running = false;
  });
  // Looked at when the reader is done; until then a failure is nobody's.
  ended.catch(() => undefined);
  while (running) {
    const opened = await openObject(object, key);
    try {
      expect(Buffer.compare(await opened.read(0), plaintext)).toBe(0);
    } finally {
      await opened.close();
    }
    times += 1;
  }
  await ended;
  return times;
}

async function expectSteady({ object, key }: Shared): Promise<void> {
  await rewrap(object, key);
  expect((await inspect(object)).lists).toBe('steady');
  const report = await verify(object, key);
  expect(report.findings).toEqual([]);
  expect(report.ok).toBe(true);
}

describe('attack 2: real processes rewrap one file without the lock', () => {
  it.each([2, 8])('%i processes: the object always opens', async (count) => {
    const world = await shared();
    const { folder, keyFile, key, object } = world;
    const forMs = scaled(1000, 15_000, 600_000);
    await withWriters(count, folder, keyFile, async (writers) => {
      const work = Promise.all(
        writers.map((writer) => writer.tell({ do: 'rewrap without lock', object, key: 'default', forMs })),
      );
      const opened = await alwaysOpens(object, key, work);
      const answers = await work;
      expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
      const [done, busy] = [sum(answers, 'done'), sum(answers, 'busy')];
      console.log(
        `${String(count)} processes, no lock: ${String(done)} rewraps, ${String(busy)} times busy, opened ${String(opened)} times`,
      );
      expect(done).toBeGreaterThan(count);
      expect(opened).toBeGreaterThan(10);
    });
    await expectSteady(world);
  });
});

describe('attack 2: real processes change the recipients of one file under the lock', () => {
  it.each([
    [2, scaled(20, 1000, 20_000)],
    [8, scaled(4, 60, 1000)],
  ])('%i processes add recipients: no update is lost in %i rounds', async (count, rounds) => {
    const names = Array.from({ length: count }, (_, i) => `key-${String(i)}`);
    const world = await shared(names);
    const { folder, keyFile, ring, object } = world;
    await withWriters(count, folder, keyFile, async (writers) => {
      const all = async (what: 'add' | 'remove'): Promise<void> => {
        const answers = await Promise.all(
          writers.map((writer, i) => writer.tell({ do: what, object, key: names[i] ?? '' })),
        );
        for (const answer of answers) expect(answer).toEqual({ done: 1, busy: 0, errors: [] });
      };
      for (let round = 0; round < rounds; round += 1) {
        await all('add');
        const { recipients, lists, generation } = await inspect(object);
        expect(new Set(recipients.map(({ uri }) => uri))).toEqual(
          new Set(['default', ...names].map((name) => `local:${name}`)),
        );
        expect(recipients).toHaveLength(count + 1);
        expect(lists).toBe('steady');
        // Each of them wrote exactly once.
        expect(generation).toBe(1 + count * (2 * round + 1));
        if (round === rounds - 1) break;
        await all('remove');
      }
    });
    const sealed = new Uint8Array(await readFile(object));
    for (const name of names) expect(Buffer.compare(await open(sealed, ring.key(name)), plaintext)).toBe(0);
  });
});

describe('eight processes rewrap, open and rotate on one object and one keyring', () => {
  it(`for ${String(scaled(2, 20, 3600))} s: no error but "busy", and nothing is lost`, async () => {
    const world = await shared();
    const { folder, keyFile, ring, key, object } = world;
    const forMs = 1000 * scaled(2, 20, 3600);
    const roles = ['rewrap', 'rewrap', 'rewrap', 'open', 'open', 'open', 'rotate', 'rotate'] as const;
    /** Sealed on the way, under whatever version is current: each has to open in the end. */
    const keepsakes: Uint8Array[] = [];
    await withWriters(roles.length, folder, keyFile, async (writers: readonly Writer[]) => {
      let running = true;
      const work = Promise.all(
        writers.map((writer, i) => writer.tell({ do: roles[i] ?? 'open', object, key: 'default', forMs })),
      ).finally(() => {
        running = false;
      });
      while (running) {
        keepsakes.push(await seal(plaintext.subarray(0, 100), key));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const answers = await work;
      expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
      const of = (role: string): typeof answers => answers.filter((_, i) => roles[i] === role);
      const counts = ['rewrap', 'open', 'rotate'].map((role) => `${role} ${String(sum(of(role), 'done'))}`);
      console.log(`eight processes: ${counts.join(', ')}, busy ${String(sum(answers, 'busy'))}`);
      for (const role of roles) expect(sum(of(role), 'done')).toBeGreaterThan(1);
      const { versions } = await ring.describe('default');
      expect(versions).toHaveLength(1 + sum(of('rotate'), 'done'));
    });
    expect(keepsakes.length).toBeGreaterThan(5);
    for (const sealed of keepsakes) expect(await open(sealed, key)).toEqual(plaintext.subarray(0, 100));
    await expectSteady(world);
    const sealed = new Uint8Array(await readFile(object));
    expect(Buffer.compare(await open(sealed, key), plaintext)).toBe(0);
    // A copy that nobody writes any more reads the same.
    await writeFile(`${object}.copy`, sealed);
    expect((await verify(`${object}.copy`, key)).ok).toBe(true);
    expect((await readdir(join(folder, 'keys', 'default'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

function sum(answers: readonly { readonly done: number; readonly busy: number }[], what: 'done' | 'busy'): number {
  return answers.reduce((total, answer) => total + answer[what], 0);
}
