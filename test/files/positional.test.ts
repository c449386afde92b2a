import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFully, writeFully, writeParts } from '../../src/files/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scaled } from '../tier.ts';
import { systemError, withFault } from './faults.ts';

type Write = (bytes: Uint8Array, from: number, length: number, at: number) => Promise<unknown>;
type Writev = (parts: Uint8Array[], at: number) => Promise<unknown>;

/** A kernel that takes or gives at most so many bytes at a time. */
async function withShortCalls<T>(most: number, work: () => Promise<T>): Promise<T> {
  const short = (original: (...args: unknown[]) => unknown): Write =>
    function (this: unknown, bytes, from, length, at) {
      return original.call(this, bytes, from, Math.min(length, most), at) as Promise<unknown>;
    };
  const shortv = (original: (...args: unknown[]) => unknown): Writev =>
    function (this: unknown, parts, at) {
      const bytes = new Uint8Array(Buffer.concat(parts)).subarray(0, most);
      return original.call(this, [bytes], at) as Promise<unknown>;
    };
  const instead = (make: unknown): Parameters<typeof withFault>[2] => make as Parameters<typeof withFault>[2];
  return withFault('handle', 'read', instead(short), () =>
    withFault('handle', 'write', instead(short), () => withFault('handle', 'writev', instead(shortv), work)),
  );
}

describe('positional reads and writes', () => {
  it('go on after short reads and writes of the kernel, for any size, position and split', async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(300), { maxLength: 8 }),
        fc.nat(500),
        fc.integer({ min: 1, max: 400 }),
        async (lengths, position, most) => {
          const path = join(folder, 'file');
          const before = pattern(3000, 7);
          await writeFile(path, before);
          const parts = lengths.map((length, i) => pattern(length, i + 1));
          const all = new Uint8Array(Buffer.concat(parts));
          const expected = before.slice();
          expected.set(all, position);
          const handle = await open(path, 'r+');
          try {
            await withShortCalls(most, async () => {
              if (lengths.length === 1) await writeFully(handle, all, position);
              else await writeParts(handle, parts, position);
              expect(await readFully(handle, new Uint8Array(all.length), position)).toEqual(all);
            });
          } finally {
            await handle.close();
          }
          expect(new Uint8Array(await readFile(path))).toEqual(expected);
        },
      ),
      { numRuns: scaled(100, 1000, 20_000) },
    );
  });

  it('a read past the end gives what there is, and nothing behind the end', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, pattern(100));
    const handle = await open(path, 'r');
    try {
      for (const most of [1, 7, 1000]) {
        await withShortCalls(most, async () => {
          const into = new Uint8Array(50).fill(9);
          expect(await readFully(handle, into, 80)).toEqual(pattern(100).subarray(80));
          expect(into.subarray(20)).toEqual(new Uint8Array(30).fill(9));
          expect(await readFully(handle, into, 100)).toHaveLength(0);
          expect(await readFully(handle, into, 5000)).toHaveLength(0);
          expect(await readFully(handle, new Uint8Array(0), 0)).toHaveLength(0);
        });
      }
    } finally {
      await handle.close();
    }
  });

  it('an error after a short write is told, not taken for the end', async () => {
    const path = join(await temporaryFolder(), 'file');
    const handle = await open(path, 'w');
    let calls = 0;
    const failing: Parameters<typeof withFault>[2] = (original) =>
      function (this: unknown, ...args) {
        calls += 1;
        if (calls === 2) return Promise.reject(systemError('ENOSPC', 'write'));
        const [bytes, from, length, at] = args;
        return original.call(this, bytes, from, Math.floor(Number(length) / 2), at);
      };
    try {
      const writing = withFault('handle', 'write', failing, () => writeFully(handle, pattern(100), 0));
      await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' });
    } finally {
      await handle.close();
    }
  });
});
