/** What the tests of breaking off share: seeds, sources that count how they end, and what must not be left behind. */
import { readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { sha256 } from '../../../src/crypto/hash.ts';
import { toHex } from '../../../src/bytes/index.ts';
import type { ByteStream } from '../../../src/index.ts';
import { cut } from '../../support/streams.ts';

/** Why it ends; nothing else may come out. */
export const STOP = new RangeError('enough');

/** The seed of this run: set MATRIX_SEED to what a failure says, and the same points come again. */
export const SEED = Number(process.env.MATRIX_SEED ?? process.hrtime.bigint() % 1_000_000n);

/** Whole numbers from `low` to `high`, both included, the same for one seed and name. */
export function randomFrom(name: string): (low: number, high: number) => number {
  let state = (SEED ^ Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) | 0, 7)) >>> 0 || 1;
  return (low, high) => {
    // xorshift32 (Marsaglia 2003): enough to choose points in time.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return low + (state % (high - low + 1));
  };
}

/** A source that was handed in, and what became of it. */
export interface Watched {
  readonly stream: ByteStream;
  /** How often it was told that nobody reads on. */
  readonly ended: () => number;
  /** Whether it came to its end, or its error, by itself. */
  readonly exhausted: () => boolean;
}

const CHUNK = 5000;

/** Sources that count; after `failsAfter` chunks they fail with STOP. */
const SOURCES = {
  iterator(bytes, failsAfter) {
    const pieces = cut(bytes, [CHUNK]);
    let [given, ended, exhausted] = [0, 0, false];
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      async next() {
        if (given++ === failsAfter) {
          exhausted = true;
          throw STOP;
        }
        const next = pieces.next();
        if (next.done !== true) return next;
        exhausted = true;
        return { done: true, value: undefined };
      },
      async return() {
        ended += 1;
        return { done: true, value: undefined };
      },
    };
    return { stream: { [Symbol.asyncIterator]: () => iterator }, ended: () => ended, exhausted: () => exhausted };
  },
  'Node stream'(bytes, failsAfter) {
    const pieces = cut(bytes, [CHUNK]);
    let [given, ended, exhausted] = [0, 0, false];
    const stream = new Readable({
      highWaterMark: 1,
      read() {
        if (given++ === failsAfter) {
          exhausted = true;
          this.destroy(STOP);
          return;
        }
        const next = pieces.next();
        exhausted ||= next.done === true;
        this.push(next.done === true ? null : next.value);
      },
      destroy(error, callback) {
        ended += 1;
        callback(error);
      },
    });
    return { stream, ended: () => ended, exhausted: () => exhausted };
  },
  'web stream'(bytes, failsAfter) {
    const pieces = cut(bytes, [CHUNK]);
    let [given, ended, exhausted] = [0, 0, false];
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (given++ === failsAfter) {
            exhausted = true;
            throw STOP;
          }
          const next = pieces.next();
          exhausted ||= next.done === true;
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        },
        cancel() {
          ended += 1;
        },
      },
      { highWaterMark: 0 },
    );
    return { stream, ended: () => ended, exhausted: () => exhausted };
  },
} as const satisfies Record<string, (bytes: Uint8Array, failsAfter?: number) => Watched>;
export type WatchedForm = keyof typeof SOURCES;
export const WATCHED: Readonly<Record<WatchedForm, (bytes: Uint8Array, failsAfter?: number) => Watched>> = SOURCES;
export const WATCHED_FORMS = Object.keys(WATCHED) as WatchedForm[];

/** The source was told once that nobody reads on; one that came to its end by itself, at most once. */
export async function expectEnded(source: Watched, form: WatchedForm): Promise<void> {
  await settled();
  // Node destroys a stream that has ended, too.
  if (form === 'Node stream') expect(source.ended(), 'the Node stream was destroyed').toBe(1);
  else if (source.exhausted()) expect(source.ended(), 'the source was ended again').toBeLessThanOrEqual(1);
  else expect(source.ended(), 'how often the source was ended').toBe(1);
}

/** Lets everything run that was begun and that nobody waits for. */
export async function settled(): Promise<void> {
  await sleep(1);
  await new Promise((resolve) => setImmediate(resolve));
}

/** Open file descriptors of this process; undefined where the system does not say. */
export function openHandles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** As many descriptors as before, after a moment for those that the kernel is just closing. */
export async function expectHandles(before: number | undefined): Promise<void> {
  if (before === undefined) return;
  for (let wait = 1; wait < 300 && (openHandles() ?? 0) > before; wait *= 2) await sleep(wait);
  expect(openHandles(), 'open file handles').toBeLessThanOrEqual(before);
}

/** Digest of every file of a folder; the lock, which stays, left out. */
export async function snapshot(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).filter((name) => name !== '.waxseal.lock').sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, toHex(sha256(await readFile(join(folder, name))))] as const)),
  );
}
