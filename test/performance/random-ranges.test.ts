import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, type OpenedObject, openObject } from '../../src/envelope/index.ts';
import {
  CountedFile,
  measureReaders,
  measureReads,
  plaintextAt,
  RANGE_BYTES,
  randomOffsets,
  sealLarge,
} from '../bench/ranges.ts';
import { memoryKey } from '../support/memory-key.ts';
import { scaled } from '../tier.ts';

const LIMIT_MS = 0.5;
const READERS = 64;
const READS_EACH = scaled(12, 40, 40);
const WARM_READS = scaled(500, 2000, 2000);
const SIZE = scaled(2 ** 28, 2 ** 30, 2 ** 30);

for (const kib of [256, 64]) {
  describe(`4 KiB at random places of a ${String(SIZE / 2 ** 30)} GiB object with segments of ${String(kib)} KiB`, () => {
    const segmentLength = kib * 1024;
    const plainLength = segmentLength - 32;
    const key = memoryKey();
    let folder: string;
    let path: string;
    /** Bytes of segment `position`. */
    let lengthOf: (position: number) => number;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'waxseal-test-'));
      path = join(folder, 'large.wax');
      await sealLarge(path, SIZE, segmentLength, key);
      const { payloadOffset } = await inspect(path);
      const sealedSize = (await stat(path)).size;
      lengthOf = (position) => Math.min(segmentLength, sealedSize - payloadOffset - position * segmentLength);
    });

    afterAll(() => rm(folder, { recursive: true, force: true }));

    /** Reads at random and compares; gives the bytes of the segments that overlap. */
    async function readAndCompare(object: OpenedObject, seed: number): Promise<number> {
      const offsets = randomOffsets(SIZE, seed);
      let overlapping = 0;
      for (let read = 0; read < READS_EACH; read += 1) {
        // Every fourth lies across the boundary of two segments.
        const random = offsets.next().value;
        const boundary = Math.ceil(random / plainLength) * plainLength;
        const offset = read % 4 === 0 && boundary < SIZE - RANGE_BYTES ? boundary - 100 : random;
        const got = await object.read(offset, offset + RANGE_BYTES);
        if (!plaintextAt(offset, RANGE_BYTES).equals(got)) throw new RangeError(`wrong bytes at ${String(offset)}`);
        const first = Math.floor(offset / plainLength);
        const last = Math.floor((offset + RANGE_BYTES - 1) / plainLength);
        expect(last - first).toBeLessThanOrEqual(1);
        for (let position = first; position <= last; position += 1) overlapping += lengthOf(position);
      }
      return overlapping;
    }

    /** What is read to open it, whatever is read afterwards. */
    async function headBytes(): Promise<number> {
      const file = await CountedFile.open(path);
      await (await openObject(file, key, { cacheBytes: 0 })).close();
      await file.close();
      expect(file.bytesRead).toBeLessThan(200 * 1024);
      return file.bytesRead;
    }

    it('64 readers of one object: right bytes, the head once, and nothing but the overlapping segments', async () => {
      const file = await CountedFile.open(path);
      const object = await openObject(file, key, { cacheBytes: 0 });
      const opened = file.reads;
      const parts = await Promise.all(Array.from({ length: READERS }, (_, reader) => readAndCompare(object, reader)));
      expect(file.bytesRead).toBe((await headBytes()) + parts.reduce((sum, bytes) => sum + bytes, 0));
      expect(file.reads - opened).toBe(READERS * READS_EACH);
      await object.close();
      await file.close();
    });

    it('64 opened objects over one file: right bytes, one head each, and nothing but the overlapping segments', async () => {
      const file = await CountedFile.open(path);
      const parts = await Promise.all(
        Array.from({ length: READERS }, async (_, reader) => {
          const object = await openObject(file, key, { cacheBytes: 0 });
          const overlapping = await readAndCompare(object, reader);
          await object.close();
          return overlapping;
        }),
      );
      const heads = READERS * (await headBytes());
      expect(file.bytesRead).toBe(heads + parts.reduce((sum, bytes) => sum + bytes, 0));
      await file.close();
    });

    it('with the cache, never more than that', async () => {
      const file = await CountedFile.open(path);
      const object = await openObject(file, key);
      const parts = await Promise.all(Array.from({ length: READERS }, () => readAndCompare(object, 7)));
      // All of them read the same: each place is read about once, not 64 times.
      expect(file.bytesRead).toBeLessThan((2 * parts.reduce((sum, bytes) => sum + bytes, 0)) / READERS + 300_000);
      await object.close();
      await file.close();
    });

    it(`p50 of a warm read under ${String(LIMIT_MS)} ms, one reader, no segment cached`, async () => {
      const object = await openObject(path, key, { cacheBytes: 0 });
      let best = Infinity;
      // Noise of the machine only ever spoils a time: the best of a few decides.
      for (let attempt = 0; attempt < 6 && best >= LIMIT_MS / 2; attempt += 1) {
        const { p50Ms, p99Ms } = await measureReads(object, WARM_READS, attempt + 1);
        console.log(`${String(kib)} KiB segments: p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms`);
        best = Math.min(best, p50Ms);
      }
      const shared = await measureReaders(
        Array.from({ length: READERS }, () => object),
        READS_EACH,
      );
      await object.close();
      const objects = await Promise.all(
        Array.from({ length: READERS }, () => openObject(path, key, { cacheBytes: 0 })),
      );
      const own = await measureReaders(objects, READS_EACH);
      await Promise.all(objects.map((each) => each.close()));
      const rate = (reads: number): string => `${reads.toFixed(0)} reads/s`;
      console.log(`${String(READERS)} readers: ${rate(shared)} of one object, ${rate(own)} of an object each`);
      expect(best).toBeLessThan(LIMIT_MS);
    });
  });
}
