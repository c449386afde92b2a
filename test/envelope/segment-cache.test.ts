import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentCache } from '../../src/envelope/segment-cache.ts';

const LENGTH = 10;

/** A cache over segments that hold their position; each load waits until it is let go, or not at all. */
function cacheOf(limitBytes: number) {
  const loads: string[] = [];
  const waiting: { release(): void; fail(error: Error): void }[] = [];
  let held = false;
  const cache = new SegmentCache(limitBytes, (first, last) => {
    loads.push(first === last ? String(first) : `${String(first)}-${String(last)}`);
    const gate = held ? new Promise<void>((release, fail) => waiting.push({ release, fail })) : Promise.resolve();
    return Array.from({ length: last - first + 1 }, async (_, index) => {
      await gate;
      return new Uint8Array(LENGTH).fill(first + index);
    });
  });
  return {
    cache,
    loads,
    hold() {
      held = true;
      return waiting;
    },
    letGo() {
      held = false;
    },
  };
}

describe('SegmentCache', () => {
  it('loads a segment once, and neighbours that are missing together', async () => {
    const { cache, loads } = cacheOf(100);
    await cache.read(2, 2);
    const four = await cache.read(0, 4);
    expect(four.map(([first]) => first)).toEqual([0, 1, 2, 3, 4]);
    expect(loads).toEqual(['2', '0-1', '3-4']);
    await cache.read(0, 4);
    expect(loads).toHaveLength(3);
  });

  it('lets go of what was used least recently', async () => {
    const { cache, loads } = cacheOf(3 * LENGTH);
    for (const position of [1, 2, 3, 1, 4, 1, 3, 2]) await cache.read(position, position);
    // 4 pushed out 2, because 1 had been used since; the last read of 2 pushed out 4.
    expect(loads).toEqual(['1', '2', '3', '4', '2']);
    await cache.read(4, 4);
    expect(loads.at(-1)).toBe('4');
  });

  it('property: never more than its bound, and always the right segments', async () => {
    const range = fc.tuple(fc.nat(12), fc.nat(3));
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * LENGTH), fc.array(range, { maxLength: 40 }), async (limit, ranges) => {
        const { cache } = cacheOf(limit);
        const readAndCheck = async (first: number, more: number): Promise<void> => {
          const got = await cache.read(first, first + more);
          expect(cache.bytes).toBeLessThanOrEqual(limit);
          expect(got.map(([byte]) => byte)).toEqual(Array.from({ length: more + 1 }, (_, i) => first + i));
        };
        // Some at once, some one after the other.
        const reads: Promise<void>[] = [];
        for (const [first, more] of ranges) {
          reads.push(readAndCheck(first, more));
          if (more === 0) await Promise.all(reads.splice(0));
        }
        await Promise.all(reads);
      }),
    );
  });

  it('shares one load between those who ask at the same time', async () => {
    const { cache, loads, hold } = cacheOf(100);
    const waiting = hold();
    const reads = [cache.read(5, 5), cache.read(4, 6), cache.read(5, 6)];
    expect(loads).toEqual(['5', '4', '6']);
    for (const { release } of waiting) release();
    expect((await Promise.all(reads)).map((segments) => segments.length)).toEqual([1, 3, 2]);
  });

  it('a load that failed fails for all who shared it, and is tried again by the next', async () => {
    const { cache, loads, hold, letGo } = cacheOf(100);
    const waiting = hold();
    const reads = [cache.read(5, 5), cache.read(5, 5)];
    waiting[0]?.fail(new RangeError('no luck'));
    expect((await Promise.allSettled(reads)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    letGo();
    expect((await cache.read(5, 5))[0]).toEqual(new Uint8Array(LENGTH).fill(5));
    expect(loads).toEqual(['5', '5']);
    expect(cache.bytes).toBe(LENGTH);
  });

  it('close zeroes what it holds and what is on its way', async () => {
    const { cache, hold } = cacheOf(100);
    const [kept] = await cache.read(1, 1);
    const waiting = hold();
    const reading = cache.read(2, 2);
    cache.close();
    expect(kept).toEqual(new Uint8Array(LENGTH));
    expect(cache.bytes).toBe(0);
    waiting[0]?.release();
    expect((await reading)[0]).toEqual(new Uint8Array(LENGTH));
    expect(cache.bytes).toBe(0);
  });

  it('keeps no segment that is longer than the whole cache', async () => {
    const { cache, loads } = cacheOf(LENGTH - 1);
    await cache.read(1, 1);
    await cache.read(1, 1);
    expect(loads).toEqual(['1', '1']);
    expect(cache.bytes).toBe(0);
  });
});
