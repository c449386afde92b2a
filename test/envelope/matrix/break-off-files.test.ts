/**
 * Verbs on files that are aborted at a random point: some progress, some event of the observer, some turn of the event
 * loop. Either they were done before anybody saw it, or the signal's reason comes out and every file is as it was. No
 * temporary file, no handle and no lock is left behind, and the object opens.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  convertFile,
  type Layout,
  openFile,
  openObject,
  removeRecipient,
  repair,
  reseal,
  rewrap,
  sealFile,
  shred,
  verify,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import { expectHandles, openHandles, randomFrom, SEED, snapshot, STOP } from './break-off.ts';
import { alice, bob, carol, expectBytes, LAYOUTS } from './support.ts';

const ROUNDS = scaled(1, 25, 250);
/** Several reads of 1 MiB, so that there is something to break off. */
const SIZE = 2_500_000;
const SEGMENT_LENGTH = 65_536;
const plaintext = pattern(SIZE);

/** Hooks of whatever breaks off; a verb takes those that it has. */
interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
  readonly observe: () => void;
}

interface Place {
  readonly folder: string;
  readonly plain: string;
  readonly path: string;
  readonly layout: Layout;
}

interface FileVerb {
  run(place: Place, hooks: Hooks): Promise<unknown>;
  /** Where it can be broken off, and about how often that comes. */
  readonly triggers: Readonly<Partial<Record<Trigger, number>>>;
  /** Makes work for it; the object need not open then until it is done. */
  prepare?(place: Place): Promise<void>;
}

type Trigger = 'progress' | 'event' | 'turn';

const sealOptions = (layout: Layout) => ({ layout, segmentLength: SEGMENT_LENGTH });

const VERBS: Readonly<Record<string, FileVerb>> = {
  'sealFile, new target': {
    triggers: { progress: 3, event: 8, turn: 40 },
    run: ({ plain, folder, layout }, hooks) =>
      sealFile(plain, join(folder, 'new.wax'), [alice, bob], { ...hooks, ...sealOptions(layout) }),
  },
  'sealFile, overwrite': {
    triggers: { progress: 3, event: 8, turn: 40 },
    run: ({ plain, path, layout }, hooks) =>
      sealFile(plain, path, [alice, bob], { ...hooks, ...sealOptions(layout), overwrite: true }),
  },
  'openFile, new target': {
    triggers: { progress: 30, event: 4, turn: 40 },
    run: ({ path, folder }, hooks) => openFile(path, join(folder, 'new'), alice, hooks),
  },
  'openFile, overwrite': {
    triggers: { progress: 30, event: 4, turn: 40 },
    run: ({ path, plain }, hooks) => openFile(path, plain, alice, { ...hooks, overwrite: true }),
  },
  rewrap: {
    triggers: { event: 6, turn: 20 },
    run: ({ path }, { signal, observe }) => {
      alice.bump();
      return rewrap(path, [alice, bob], { signal, observe });
    },
  },
  addRecipient: {
    triggers: { event: 6, turn: 20 },
    run: ({ path }, { signal, observe }) => addRecipient(path, alice, carol, { signal, observe }),
  },
  removeRecipient: {
    triggers: { event: 3, turn: 20 },
    run: ({ path }, { signal, observe }) => removeRecipient(path, alice, bob.uri, { signal, observe }),
  },
  reseal: {
    triggers: { progress: 30, event: 10, turn: 60 },
    run: ({ path }, hooks) => reseal(path, [alice, bob, carol], { ...hooks, dropOthers: true }),
  },
  'convertFile to attached': converting('attached'),
  'convertFile to compact': converting('compact'),
  'convertFile to detached': converting('detached'),
  'convertFile to another file': {
    triggers: { turn: 20 },
    run: ({ path, folder }, { signal }) => convertFile(path, 'compact', { signal, output: join(folder, 'new.wax') }),
  },
  verify: {
    triggers: { progress: 30, event: 6, turn: 40 },
    run: ({ path }, hooks) => verify(path, [alice, bob], hooks),
  },
  repair: {
    triggers: { turn: 20 },
    prepare: async ({ path, folder }) => {
      const good = await readFile(path);
      await writeFile(join(folder, 'backup'), good);
      await writeFile(path, Buffer.from(good).fill(0xee, 0, 200));
    },
    run: ({ path, folder }, { signal, observe }) =>
      repair(path, [alice, bob], { signal, observe, from: join(folder, 'backup') }),
  },
};

function converting(layout: Layout): FileVerb {
  return { triggers: { turn: 20 }, run: ({ path }, { signal }) => convertFile(path, layout, { signal }) };
}

describe(`seed ${String(SEED)}`, () => {
  describe.each(LAYOUTS)('%s', (layout) => {
    async function place(): Promise<Place> {
      const folder = await temporaryFolder();
      const [plain, path] = [join(folder, 'plain'), join(folder, 'object.wax')];
      await writeFile(plain, plaintext);
      await sealFile(plain, path, [alice, bob], sealOptions(layout));
      return { folder, plain, path, layout };
    }

    async function expectOpensFile(path: string): Promise<void> {
      await using object = await openObject(path, alice);
      expectBytes(await object.read(0), plaintext);
    }

    /** Calls it, and aborts at the `at`-th trigger. Says whether it was done before anybody saw that. */
    async function abortAt(verb: FileVerb, where: Place, trigger: Trigger, at: number): Promise<'done' | 'aborted'> {
      const controller = new AbortController();
      let left = at;
      const hit = (): void => {
        if (--left === 0) controller.abort(STOP);
      };
      const nothing = (): void => undefined;
      let running = true;
      const turn = (): void => {
        hit();
        if (running && left > 0) setImmediate(turn);
      };
      if (trigger === 'turn') setImmediate(turn);
      try {
        await verb.run(where, {
          signal: controller.signal,
          onProgress: trigger === 'progress' ? hit : nothing,
          observe: trigger === 'event' ? hit : nothing,
        });
        return 'done';
      } catch (error) {
        expect(error).toBe(STOP);
        return 'aborted';
      } finally {
        running = false;
      }
    }

    describe.each(Object.keys(VERBS))('%s', (name) => {
      const verb = VERBS[name] as FileVerb;

      /** A folder with an object of this layout, as the verb needs it. */
      async function prepared(): Promise<{ where: Place; before: Awaited<ReturnType<typeof snapshot>> }> {
        const where = await place();
        await verb.prepare?.(where);
        return { where, before: await snapshot(where.folder) };
      }

      it.each(Object.keys(verb.triggers) as Trigger[])('aborted at some %s', async (trigger) => {
        const point = randomFrom(`${layout} ${name} ${trigger}`);
        let { where, before } = await prepared();
        const handles = openHandles();
        for (let round = 0; round < ROUNDS; round += 1) {
          const at = round === 0 ? 1 : point(1, verb.triggers[trigger] ?? 1);
          const outcome = await abortAt(verb, where, trigger, at);
          // The first one comes long before the end.
          if (round === 0) expect(outcome).toBe('aborted');
          await expectHandles(handles);
          const after = await snapshot(where.folder);
          expect(Object.keys(after).filter((file) => file.endsWith('.tmp'))).toEqual([]);
          if (outcome === 'aborted') expect(after).toEqual(before);
          if (outcome === 'done' || verb.prepare === undefined) await expectOpensFile(where.path);
          if (outcome === 'aborted') continue;
          await rm(where.folder, { recursive: true });
          ({ where, before } = await prepared());
        }
        // Broken off, it can be done now: whatever it needs, the lock of the folder with it, is free.
        const nothing = (): void => undefined;
        await verb.run(where, { signal: new AbortController().signal, onProgress: nothing, observe: nothing });
        await expectOpensFile(where.path);
      });

      it('with a signal that was aborted before: nothing is touched', async () => {
        const { where, before } = await prepared();
        const nothing = (): void => undefined;
        const hooks = { signal: AbortSignal.abort(STOP), onProgress: nothing, observe: nothing };
        await expect(verb.run(where, hooks)).rejects.toBe(STOP);
        expect(await snapshot(where.folder)).toEqual(before);
      });
    });

    it('shred, aborted before: the object opens; after that, nobody opens it', async () => {
      const { path, folder } = await place();
      await expect(shred(path, { signal: AbortSignal.abort(STOP) })).rejects.toBe(STOP);
      await expectOpensFile(path);
      await shred(path);
      await expect(openFile(path, join(folder, 'x'), alice)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
    });
  });
});
