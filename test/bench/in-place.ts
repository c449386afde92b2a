import { mkdtemp, open, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, rewrap, seal } from '../../src/envelope/index.ts';
import { shapeOfPlaintext } from '../../src/envelope/payload.ts';
import { memoryKey } from '../support/memory-key.ts';

export interface RewrapTimes {
  readonly smallMs: number;
  readonly largeMs: number;
  /** Time of the large object over that of the small one. */
  readonly ratio: number;
  readonly largeBytes: number;
}

/** A sealed file whose head and slots are real and whose payload is a hole: rewrap must never look at it. */
export async function makeHollow(path: string, size: number, key = memoryKey()): Promise<typeof key> {
  const stream = await seal(endless(), key, { size });
  const reader = stream.getReader();
  const head = (await reader.read()).value ?? new Uint8Array(0);
  await reader.cancel();
  const handle = await open(path, 'w');
  try {
    await handle.write(head);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const { segmentLength, payloadOffset } = await inspect(path);
  const { segments, finalLength } = shapeOfPlaintext(size, segmentLength);
  await truncate(path, payloadOffset + (segments - 1) * segmentLength + finalLength);
  return key;
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(65536);
}

/** Median time of a rewrap of a 4 KiB object and of a 64 GiB one, taking turns, with fdatasync. */
export async function measureRewrap(rounds: number): Promise<RewrapTimes> {
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-bench-'));
  try {
    const sizes = { small: 4096, large: 64 * 2 ** 30 };
    const key = memoryKey();
    const times: Record<keyof typeof sizes, number[]> = { small: [], large: [] };
    for (const [name, size] of Object.entries(sizes)) await makeHollow(join(folder, name), size, key);
    for (let round = 0; round < rounds; round += 1) {
      key.bump();
      for (const name of ['small', 'large'] as const) {
        const start = performance.now();
        const { changed } = await rewrap(join(folder, name), key);
        times[name].push(performance.now() - start);
        if (!changed) throw new RangeError('nothing was rewrapped');
      }
    }
    const [smallMs, largeMs] = [median(times.small), median(times.large)];
    return { smallMs, largeMs, ratio: largeMs / smallMs, largeBytes: sizes.large };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
