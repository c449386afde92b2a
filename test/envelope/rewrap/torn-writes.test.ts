/** What crashes, failing disks and broken providers can make of a rewrap in place, on real bytes. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, open, repair, rewrap, seal, verify } from '../../../src/envelope/index.ts';
import type { KeyProvider } from '../../../src/keys/provider.ts';
import type { SlotIndex } from '../../../src/envelope/format/slot.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { memoryKey, type MemoryKey } from '../../support/memory-key.ts';
import { scaled } from '../../tier.ts';
import {
  headOf,
  intercepted,
  type Interception,
  type RecordedWrite,
  slotBytes,
  slotOf,
  slotRange,
  systemError,
  withSlot,
} from './sealed-parts.ts';

const plaintext = pattern(10_000);
const SECTOR = 512;
const asIs: Interception = (_call, _nth, run) => run();

async function fileWith(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'x.wax');
  await writeFile(path, bytes);
  return path;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

/** Sealed and steady, opens with each key, and on version `version` of it. */
async function expectWell(path: string, keys: readonly KeyProvider[], version?: string): Promise<void> {
  const { lists, recipients } = await inspect(path);
  expect(lists).toBe('steady');
  if (version !== undefined) expect(new Set(recipients.map((entry) => entry.version))).toEqual(new Set([version]));
  expect(await open(await bytesOf(path), keys)).toEqual(plaintext);
  const report = await verify(path, keys);
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.ok).toBe(true);
}

/** So many recipients that every sector of the slot changes with a rewrap. */
async function rewrapped(): Promise<{ keys: MemoryKey[]; before: Uint8Array; after: Uint8Array; first: SlotIndex }> {
  const keys = Array.from({ length: 29 }, (_, i) => memoryKey(`local:memory-${String(i + 10)}`));
  const before = await seal(plaintext, keys, { slotSize: 4096, segmentLength: 4096 });
  const path = await fileWith(before);
  for (const key of keys) key.bump();
  const { calls } = await intercepted(path, asIs, () => rewrap(path, keys));
  const first = calls.find((call): call is RecordedWrite => call !== 'datasync');
  return { keys, before, after: await bytesOf(path), first: first?.offset === headOf(before).geometry.slotA ? 0 : 1 };
}

describe('attack 3: torn slot writes', () => {
  it('the order: what others left is made durable, the other slot, fdatasync, the current slot, fdatasync', async () => {
    const key = memoryKey();
    for (const current of [0, 1] as const) {
      const sealed = await seal(plaintext, key);
      const other = current === 0 ? 1 : 0;
      const path = await fileWith(current === 0 ? sealed : withSlot(sealed, 0, pattern(4096)));
      key.bump();
      const { calls } = await intercepted(path, asIs, () => rewrap(path, key));
      const after = await bytesOf(path);
      const head = headOf(sealed);
      const write = (index: SlotIndex) => ({ offset: slotRange(head, index)[0], bytes: slotBytes(after, index) });
      expect(calls).toEqual(['datasync', write(other), 'datasync', write(current), 'datasync']);
      const rest = withSlot(withSlot(after, 0, slotBytes(sealed, 0)), 1, slotBytes(sealed, 1));
      expect(rest).toEqual(sealed);
    }
  });

  it('repair too makes durable what others left before it writes', async () => {
    const key = memoryKey();
    const path = await fileWith(withSlot(await seal(plaintext, key), 1, pattern(4096)));
    const { calls } = await intercepted(path, asIs, () => repair(path, key));
    expect(calls.map((call) => (call === 'datasync' ? call : 'write'))).toEqual([
      'datasync',
      'write',
      'datasync',
      'write',
      'datasync',
    ]);
  });

  it('every subset of the sectors of the first and of the second write: opens, and the next rewrap ends it', async () => {
    const { keys, before, after, first } = await rewrapped();
    const second = first === 0 ? 1 : 0;
    expect(first).toBe(1);
    const firstDone = withSlot(before, first, slotBytes(after, first));
    expect(withSlot(firstDone, second, slotBytes(after, second))).toEqual(after);
    const path = await fileWith(before);
    const every = scaled(16, 1, 1);
    let images = 0;
    for (const [index, start] of [
      [first, before],
      [second, firstDone],
    ] as const) {
      const [old, fresh] = [slotBytes(start, index), slotBytes(after, index)];
      for (let subset = 0; subset < 256; subset += 1) {
        const slot = old.slice();
        for (let sector = 0; sector < 8; sector += 1) {
          const piece = fresh.subarray(sector * SECTOR, (sector + 1) * SECTOR);
          expect(Buffer.compare(piece, old.subarray(sector * SECTOR, (sector + 1) * SECTOR))).not.toBe(0);
          if ((subset >> sector) & 1) slot.set(piece, sector * SECTOR);
        }
        const image = withSlot(start, index, slot);
        for (const key of [keys[0]!, keys[28]!]) expect(await open(image, key)).toEqual(plaintext);
        images += 1;
        // The prefixes (1, 3, 7, ...) are what a kill in the middle of a write leaves: all of them, in every tier.
        const isPrefix = (subset & (subset + 1)) === 0;
        if (!isPrefix && subset % every !== 0) continue;
        await writeFile(path, image);
        await rewrap(path, keys);
        await expectWell(path, keys, '2');
      }
    }
    expect(images).toBe(512);
  });

  it('a slot cut at every sector and filled with what was never there: opens, and the next rewrap ends it', async () => {
    const { keys, before, after } = await rewrapped();
    const path = await fileWith(before);
    for (const index of [0, 1] as const) {
      for (let length = 0; length < 4096; length += SECTOR) {
        for (const fill of [new Uint8Array(4096), pattern(4096, length + 1)]) {
          const slot = fill.slice();
          slot.set(slotBytes(after, index).subarray(0, length));
          const image = withSlot(index === 0 ? after : before, index, slot);
          expect(await open(image, keys[3]!)).toEqual(plaintext);
          await writeFile(path, image);
          await rewrap(path, keys);
          await expectWell(path, keys, '2');
        }
      }
    }
  });
});

describe('attack 3: every row of the recovery table, built by hand, read, then repaired', () => {
  interface Row {
    readonly name: string;
    /** From an object before and after a rewrap. */
    readonly build: (before: Uint8Array, after: Uint8Array, g: number) => Uint8Array;
    /** The version of the wrap that a reader uses. */
    readonly reads: '1' | '2';
    /** What `repair` rewrites, in this order. */
    readonly repairs: readonly string[];
    /** How far the next writer moves the generation beyond g. */
    readonly moves: number;
  }
  const listOf = (sealed: Uint8Array): Uint8Array => slotOf(sealed, 0).list;
  const junk = (): Uint8Array => listOf(junkObject);
  let junkObject: Uint8Array;
  const pair = (before: Uint8Array, a: [number, Uint8Array] | undefined, b: [number, Uint8Array] | undefined) => {
    const slot = (entry: typeof a) => (entry === undefined ? pattern(4096) : { generation: entry[0], list: entry[1] });
    return withSlot(withSlot(before, 0, slot(a)), 1, slot(b));
  };
  const rows: readonly Row[] = [
    {
      name: 'g, g, same list: A; writes B, then A',
      build: (before, after, g) => pair(before, [g, listOf(after)], [g, listOf(after)]),
      reads: '2',
      repairs: [],
      moves: 0,
    },
    {
      name: 'g, g, lists differ: A',
      build: (before, after, g) => pair(before, [g, listOf(before)], [g, listOf(after)]),
      reads: '1',
      repairs: ['slot B', 'slot A'],
      moves: 1,
    },
    {
      name: 'g, g, lists differ and A does not open: B',
      build: (before, after, g) => pair(before, [g, junk()], [g, listOf(after)]),
      reads: '2',
      repairs: ['slot A', 'slot B'],
      moves: 1,
    },
    {
      name: 'A invalid: B',
      build: (before, after, g) => pair(before, undefined, [g, listOf(after)]),
      reads: '2',
      repairs: ['slot A', 'slot B'],
      moves: 1,
    },
    {
      name: 'B invalid: A',
      build: (before, _after, g) => pair(before, [g, listOf(before)], undefined),
      reads: '1',
      repairs: ['slot B', 'slot A'],
      moves: 1,
    },
    {
      name: 'g, g+1: the newer one is mirrored',
      build: (before, after, g) => pair(before, [g, listOf(before)], [g + 1, listOf(after)]),
      reads: '2',
      repairs: ['slot A', 'slot B'],
      moves: 2,
    },
    {
      name: 'g+1, g: the newer one is mirrored',
      build: (before, after, g) => pair(before, [g + 1, listOf(after)], [g, listOf(before)]),
      reads: '2',
      repairs: ['slot B', 'slot A'],
      moves: 2,
    },
    {
      name: 'g, g+1 and only the older one opens: its list becomes g+2 over the newer one',
      build: (before, after, g) => pair(before, [g, listOf(after)], [g + 1, junk()]),
      reads: '2',
      repairs: ['slot B', 'slot A'],
      moves: 2,
    },
    {
      name: 'g+1, g and only the older one opens: its list becomes g+2 over the newer one',
      build: (before, _after, g) => pair(before, [g + 1, junk()], [g, listOf(before)]),
      reads: '1',
      repairs: ['slot A', 'slot B'],
      moves: 2,
    },
  ];

  it.each(rows)('$name', async ({ build, reads, repairs, moves }) => {
    const key = memoryKey();
    const before = await seal(plaintext, key);
    junkObject = await seal(plaintext, memoryKey());
    key.bump();
    const after = await rewrap(before, key);
    const g = 7;
    const image = build(before, after, g);
    const versions: string[] = [];
    const watched: KeyProvider = {
      ...key,
      unwrap: async (wrapped, binding) => {
        const unwrapped = await key.unwrap(wrapped, binding);
        versions.push(unwrapped.version);
        return unwrapped;
      },
    };
    expect(await open(image, watched)).toEqual(plaintext);
    expect(versions).toEqual([reads]);
    for (const way of ['rewrap', 'repair'] as const) {
      const path = await fileWith(image);
      if (way === 'rewrap') {
        const { generation, changed } = await rewrap(path, key);
        expect({ generation, changed }).toEqual({ generation: g + moves, changed: repairs.length > 0 });
        await expectWell(path, [key], '2');
      } else {
        expect((await repair(path, key)).repaired).toEqual(repairs);
        // Repair makes no new wraps: the list that a reader used is the one that stays.
        await expectWell(path, [key], reads);
        expect(slotOf(await bytesOf(path), 0).generation).toBe(g + moves);
      }
      // And nothing is left for the other one to do.
      expect((await repair(path, key)).repaired).toEqual([]);
      await rewrap(path, key);
      expect((await rewrap(path, key)).changed).toBe(false);
    }
  });

  it('both invalid: an error that names repair; repair takes the recipients from an old copy', async () => {
    const key = memoryKey();
    const copy = await seal(plaintext, key);
    key.bump();
    const image = withSlot(withSlot(copy, 0, pattern(4096)), 1, pattern(4096, 2));
    const path = await fileWith(image);
    await expect(open(image, key)).rejects.toMatchObject({ code: 'ERR_HEADER_DAMAGED' });
    for (const attempt of [verify, rewrap, repair]) {
      await expect(attempt(path, key)).rejects.toMatchObject({
        code: 'ERR_HEADER_DAMAGED',
        next: expect.stringContaining('repair') as string,
      });
    }
    expect(await bytesOf(path)).toEqual(image);
    const other = await seal(plaintext, key);
    await expect(repair(path, key, { from: other })).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    expect(await bytesOf(path)).toEqual(image);
    expect((await repair(path, key, { from: copy })).repaired).toEqual(['slot A', 'slot B']);
    await expectWell(path, [key], '1');
    await rewrap(path, key);
    await expectWell(path, [key], '2');
  });

  it('first head bad: the second one is read, a rewrap works, repair writes the first one again', async () => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    const { headLength } = headOf(sealed).geometry;
    for (const damage of [new Uint8Array(headLength), pattern(512), Uint8Array.of(0)]) {
      const image = sealed.slice();
      image.set(damage);
      expect(await open(image, key)).toEqual(plaintext);
      const path = await fileWith(image);
      key.bump();
      expect((await rewrap(path, key)).changed).toBe(true);
      expect(await open(await bytesOf(path), key)).toEqual(plaintext);
      expect((await verify(path, key)).ok).toBe(false);
      expect((await repair(path, key)).repaired).toEqual(['first head']);
      await expectWell(path, [key]);
    }
  });
});

describe('attack 4: a disk that fails', () => {
  const faults = (['write', 'datasync'] as const).flatMap((call) =>
    (['EIO', 'ENOSPC'] as const).flatMap((code) =>
      (['first', 'second'] as const).map((slot) => ({ call, code, slot })),
    ),
  );

  it.each(faults)('$code from $call of the $slot slot: the other slot stays, the next run ends it', async (fault) => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    key.bump();
    for (const writtenBefore of [0, 100, 4096]) {
      const path = await fileWith(sealed);
      const nth = (fault.slot === 'first' ? 1 : 2) + (fault.call === 'datasync' ? 1 : 0);
      const fail: Interception = async (call, n, run) => {
        if (call !== fault.call || n !== nth) return run();
        // A write may fail half-way, and a failed sync says nothing about what reached the disk.
        if (call === 'write' && writtenBefore > 0) await run(writtenBefore);
        throw systemError(fault.code, call);
      };
      const code = fault.code === 'EIO' ? 'ERR_IO' : 'ERR_DISK_FULL';
      const calls: unknown[] = [];
      const attempt = intercepted(
        path,
        (call, n, run) => {
          calls.push(call);
          return fail(call, n, run);
        },
        () => rewrap(path, key),
      );
      await expect(attempt).rejects.toMatchObject({ code });
      const image = await bytesOf(path);
      if (fault.slot === 'first') expect(slotBytes(image, 0)).toEqual(slotBytes(sealed, 0));
      else expect(slotOf(image, 1)).toMatchObject({ generation: 2, recipients: [{ version: '2' }] });
      // The failure ended it: not one write or sync after it.
      expect(calls.filter((call) => call === fault.call)).toHaveLength(nth);
      expect(calls.at(-1)).toBe(fault.call);
      expect(await open(image, key)).toEqual(plaintext);
      await rewrap(path, key);
      await expectWell(path, [key], '2');
    }
  });

  it('EIO from the sync before the first write: nothing is written', async () => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    key.bump();
    const path = await fileWith(sealed);
    const fail: Interception = (call, n, run) =>
      call === 'datasync' && n === 1 ? Promise.reject(systemError('EIO', 'fdatasync')) : run();
    await expect(intercepted(path, fail, () => rewrap(path, key))).rejects.toMatchObject({ code: 'ERR_IO' });
    expect(await bytesOf(path)).toEqual(sealed);
    await rewrap(path, key);
    await expectWell(path, [key], '2');
  });

  it('a write that the disk does not give back: ERR_BUSY, and the current slot stays', async () => {
    const key = memoryKey();
    const sealed = await seal(plaintext, key);
    key.bump();
    const path = await fileWith(sealed);
    const drop: Interception = (call, _nth, run) =>
      call === 'write' ? Promise.resolve({ bytesWritten: 4096 }) : run();
    await expect(intercepted(path, drop, () => rewrap(path, key))).rejects.toMatchObject({ code: 'ERR_BUSY' });
    expect(await bytesOf(path)).toEqual(sealed);
  });
});

describe('a file that is replaced during its rewrap', () => {
  it.each(['a longer', 'a shorter'])(
    'by %s one: ERR_INPUT_CHANGED, and the new file is not touched',
    async (length) => {
      const key = memoryKey();
      const path = await fileWith(await seal(plaintext, key));
      const replacement = length === 'a longer' ? await seal(pattern(50_000), key) : pattern(100);
      await writeFile(`${path}.new`, replacement);
      const renaming: KeyProvider = {
        ...key,
        wrap: async (secret, binding) => {
          await rename(`${path}.new`, path);
          return key.wrap(secret, binding);
        },
      };
      key.bump();
      await expect(rewrap(path, renaming)).rejects.toMatchObject({ code: 'ERR_INPUT_CHANGED' });
      expect(await bytesOf(path)).toEqual(replacement);
    },
  );
});
