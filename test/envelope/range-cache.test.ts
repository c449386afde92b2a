import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, type OpenedObject, openObject, type RandomAccess, seal } from '../../src/envelope/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const SEGMENT = 4096;
const PLAIN = SEGMENT - 32;
const key = memoryKey();
const plaintext = pattern(10 * PLAIN + 100);

/** A source whose reads can be held back, and which tells which segments were read. */
class Held implements RandomAccess {
  readonly size: number;
  readonly name = 'held';
  readonly #bytes: Uint8Array;
  /** First segment and number of segments of each read. */
  reads: [number, number][] = [];
  signals: (AbortSignal | undefined)[] = [];
  #base = 0;
  #gate = Promise.withResolvers<undefined>();

  constructor(bytes: Uint8Array) {
    this.size = bytes.length;
    this.#bytes = bytes;
    this.#gate.resolve(undefined);
  }

  static async of(bytes: Uint8Array): Promise<Held> {
    const held = new Held(bytes);
    held.#base = (await inspect(bytes)).payloadOffset;
    return held;
  }

  hold(): void {
    this.reads = [];
    this.signals = [];
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate.resolve(undefined);
  }

  fail(): void {
    this.#gate.reject(new RangeError('no luck'));
    this.#gate = Promise.withResolvers();
    this.#gate.resolve(undefined);
  }

  async read(offset: number, length: number, options?: { signal?: AbortSignal | undefined }): Promise<Uint8Array> {
    this.reads.push([(offset - this.#base) / SEGMENT, Math.ceil(length / SEGMENT)]);
    this.signals.push(options?.signal);
    await this.#gate.promise;
    return this.#bytes.slice(offset, offset + length);
  }
}

const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });

describe('reads that come back to the same place', () => {
  it('a short read keeps its segments, and the next one reads only what is missing', async () => {
    const source = await Held.of(sealed);
    const object = await openObject(source, key);
    source.reads = [];
    expect(await object.read(10, 20)).toEqual(plaintext.subarray(10, 20));
    expect(await object.read(15, PLAIN + 5)).toEqual(plaintext.subarray(15, PLAIN + 5));
    expect(await object.read(0, 2 * PLAIN)).toEqual(plaintext.subarray(0, 2 * PLAIN));
    expect(source.reads).toEqual([
      [0, 1],
      [1, 1],
    ]);
    await object.close();
  });

  it('long reads and streams go around it, and leave what it holds', async () => {
    const source = await Held.of(sealed);
    const object = await openObject(source, key, { cacheBytes: SEGMENT });
    await object.read(0, 1);
    source.reads = [];
    expect(await object.read(0)).toEqual(plaintext);
    expect(await collect(object.stream())).toEqual(plaintext);
    // Two segments are more than this cache may hold.
    expect(await object.read(PLAIN, 3 * PLAIN)).toEqual(plaintext.subarray(PLAIN, 3 * PLAIN));
    expect(source.reads).toEqual([
      [0, 11],
      [0, 11],
      [1, 2],
    ]);
    await object.read(1, 2);
    expect(source.reads).toHaveLength(3);
    await object.close();
  });

  it('cacheBytes 0 keeps nothing, and a bound below a segment nothing either', async () => {
    for (const cacheBytes of [0, SEGMENT - 100]) {
      const source = await Held.of(sealed);
      const object = await openObject(source, key, { cacheBytes });
      source.reads = [];
      await object.read(0, 1);
      await object.read(0, 1);
      expect(source.reads).toHaveLength(2);
      await object.close();
    }
  });

  it('cacheBytes that is no number of bytes is refused before the object is looked at', async () => {
    for (const cacheBytes of [-1, 0.5, Number.NaN, Infinity, '8', null]) {
      await expect(openObject('no such file', key, { cacheBytes: cacheBytes as never })).rejects.toThrow(RangeError);
    }
  });

  it('what it gives is a copy of exactly the bytes asked for', async () => {
    for (const cacheBytes of [0, 2 ** 20]) {
      const object = await openObject(sealed, key, { cacheBytes });
      for (const [start, end] of [
        [0, 10],
        [0, PLAIN],
        [5, 2 * PLAIN],
      ] as const) {
        const got = await object.read(start, end);
        expect(got.buffer.byteLength).toBe(end - start);
        got.fill(0);
        expect(await object.read(start, end)).toEqual(plaintext.subarray(start, end));
      }
      await object.close();
    }
  });

  it('readers of one segment share one read of the source', async () => {
    const source = await Held.of(sealed);
    const object = await openObject(source, key);
    source.hold();
    const reads = Array.from({ length: 64 }, (_, i) => object.read(i, i + 100));
    source.release();
    for (const [i, got] of (await Promise.all(reads)).entries()) expect(got).toEqual(plaintext.subarray(i, i + 100));
    expect(source.reads).toEqual([[0, 1]]);
    await object.close();
  });

  it('a read that failed is not kept', async () => {
    const source = await Held.of(sealed);
    const object = await openObject(source, key);
    source.hold();
    const reads = [object.read(0, 1), object.read(0, 1)];
    source.fail();
    for (const read of reads) await expect(read).rejects.toThrow('no luck');
    expect(await object.read(0, 1)).toEqual(plaintext.subarray(0, 1));
    await object.close();
  });

  it('a damaged segment fails each time, and not the one beside it', async () => {
    const damaged = sealed.slice();
    const { payloadOffset } = await inspect(sealed);
    damaged[payloadOffset + SEGMENT + 50] = 1 ^ (damaged[payloadOffset + SEGMENT + 50] ?? 0);
    const object = await openObject(damaged, key);
    const both = object.read(0, 2 * PLAIN);
    const first = object.read(0, 10);
    await expect(both).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(await first).toEqual(plaintext.subarray(0, 10));
    await expect(object.read(PLAIN, PLAIN + 1)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    await object.close();
  });
});

describe('a read that is aborted', () => {
  for (const cacheBytes of [0, 2 ** 20]) {
    it(`rejects at once with the reason of its signal, and no other read notices (cacheBytes ${String(cacheBytes)})`, async () => {
      const source = await Held.of(sealed);
      const object = await openObject(source, key, { cacheBytes });
      source.hold();
      const leaving = new AbortController();
      const staying = object.read(0, 10);
      const left = object.read(0, 10, { signal: leaving.signal });
      const long = object.read(0, 9 * PLAIN, { signal: leaving.signal });
      leaving.abort(new RangeError('I left'));
      await expect(left).rejects.toThrow('I left');
      await expect(long).rejects.toThrow('I left');
      source.release();
      expect(await staying).toEqual(plaintext.subarray(0, 10));
      expect(await object.read(0, 10)).toEqual(plaintext.subarray(0, 10));
      // The source is told only where nobody else wants the same bytes.
      const told = source.signals.slice(0, source.reads.length).map((signal) => signal?.aborted);
      expect(told.filter((aborted) => aborted === true)).toHaveLength(cacheBytes === 0 ? 2 : 1);
      await expect(object.read(0, 1, { signal: leaving.signal })).rejects.toThrow('I left');
      await object.close();
    });
  }
});

describe('close while reads are under way', () => {
  for (const cacheBytes of [0, 2 ** 20]) {
    it(`they fail with a TypeError that says so, and close waits for the source (cacheBytes ${String(cacheBytes)})`, async () => {
      const source = await Held.of(sealed);
      const object = await openObject(source, key, { cacheBytes });
      const stream = object.stream();
      await stream.next();
      await object.read(9 * PLAIN, 9 * PLAIN + 1);
      source.hold();
      const reads = [
        object.read(0, 10),
        object.read(0, 10),
        object.read(0),
        // One of its segments is in the cache already.
        object.read(8 * PLAIN, 9 * PLAIN + 5),
        // All of it is: what it would copy has been zeroed.
        object.read(9 * PLAIN, 9 * PLAIN + 5),
        collect(object.stream(5)),
      ];
      const outcome = Promise.allSettled(reads);
      let isClosed = false;
      const closing = object.close().then(() => (isClosed = true));
      expect(source.signals.length).toBeGreaterThan(0);
      for (const signal of source.signals) expect(signal?.aborted).toBe(true);
      await new Promise(setImmediate);
      expect(isClosed).toBe(false);
      source.release();
      await closing;
      for (const result of await outcome) {
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(TypeError) as TypeError });
        expect(String((result as PromiseRejectedResult).reason)).toMatch(/object has been closed/);
      }
      await expect(collect(stream)).rejects.toThrow(/object has been closed/);
      await expect(object.read(0, 1)).rejects.toThrow(/object has been closed/);
      await expect(collect(object.stream())).rejects.toThrow(/object has been closed/);
    });
  }

  it.each([
    ['a short read', (object: OpenedObject) => object.read(0, 10)],
    ['a long read', (object: OpenedObject) => object.read(0)],
    ['a stream', (object: OpenedObject) => collect(object.stream())],
    ['a stream of one segment', (object: OpenedObject) => collect(object.stream(0, 10))],
  ])('%s alone makes it wait', async (_name, begin) => {
    const source = await Held.of(sealed);
    const object = await openObject(source, key);
    source.hold();
    const refused = expect(begin(object)).rejects.toThrow(/object has been closed/);
    await new Promise(setImmediate);
    expect(source.reads).toHaveLength(1);
    let isClosed = false;
    const closing = object.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    source.release();
    await closing;
    await refused;
  });

  it('a source that ends the read when it is told so, and one that fails, look the same', async () => {
    for (const say of [(signal: AbortSignal) => signal.reason as Error, () => new RangeError('gone')]) {
      const source = await Held.of(sealed);
      const object = await openObject(source, key);
      source.read = (_offset, _length, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            reject(say(signal));
          });
        });
      const reading = object.read(0, 10);
      const refused = expect(reading).rejects.toThrow(new TypeError('the object has been closed'));
      await object.close();
      await refused;
    }
  });

  it('holds for files, over and over, while streams read ahead', async () => {
    const path = join(await temporaryFolder(), 'x.wax');
    const large = pattern(5_000_000);
    for (let round = 0; round < 20; round += 1) {
      // With the long ones the stream stands at the end of what it has read.
      const segmentLength = round % 4 < 2 ? SEGMENT : 2 ** 20;
      await writeFile(path, await seal(large, key, { segmentLength }));
      const object = await openObject(path, key);
      const stream = object.stream();
      await stream.next();
      const reads = [object.read(round, 5000), object.read(0), collect(object.stream(10))];
      const outcome = Promise.allSettled(reads);
      if (round % 2 === 1) await new Promise(setImmediate);
      await Promise.all([object.close(), object.close()]);
      for (const result of await outcome) {
        if (result.status === 'rejected') expect(String(result.reason)).toBe('TypeError: the object has been closed');
      }
      await expect(stream.next()).rejects.toThrow(/closed/);
    }
  });

  it('a stream can close its own object', async () => {
    const object = await openObject(sealed, key);
    await expect(
      (async () => {
        for await (const chunk of object.stream()) if (chunk.length > 0) await object.close();
      })(),
    ).rejects.toThrow(/closed/);
  });
});
