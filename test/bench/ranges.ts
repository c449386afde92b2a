/** Reads of 4 KiB at random places of a large sealed file. */
import { createCipheriv } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type OpenedObject, openObject, type RandomAccess, seal } from '../../src/envelope/index.ts';
import { memoryKey } from '../support/memory-key.ts';

export const RANGE_BYTES = 4096;

/** Plaintext that can be told at any place without keeping it: an AES-CTR key stream. */
export function plaintextAt(offset: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(Math.floor(offset / 16)), 8);
  const cipher = createCipheriv('aes-256-ctr', new Uint8Array(32).fill(7), counter);
  const skip = offset % 16;
  return cipher.update(new Uint8Array(skip + length)).subarray(skip);
}

function* plaintextChunks(size: number): Generator<Uint8Array> {
  const chunk = 2 ** 20;
  for (let offset = 0; offset < size; offset += chunk) yield plaintextAt(offset, Math.min(chunk, size - offset));
}

/** Seals `size` bytes of {@link plaintextAt} into a file. */
export async function sealLarge(
  path: string,
  size: number,
  segmentLength: number,
  key = memoryKey(),
): Promise<typeof key> {
  const sealed = await seal(plaintextChunks(size), key, { size, segmentLength });
  await pipeline(sealed, createWriteStream(path));
  return key;
}

/** A file that counts what is read from it, and reads as often as it is asked to. */
export class CountedFile implements RandomAccess {
  readonly #handle: FileHandle;
  readonly size: number;
  bytesRead = 0;
  reads = 0;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  static async open(path: string): Promise<CountedFile> {
    const handle = await open(path);
    return new CountedFile(handle, (await handle.stat()).size);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads += 1;
    const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafeSlow(length), 0, length, offset);
    this.bytesRead += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Offsets of ranges, the same in every run. */
export function* randomOffsets(size: number, seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    // Numerical Recipes' congruential generator: places, not secrets.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield Math.floor((state / 2 ** 32) * (size - RANGE_BYTES));
  }
}

/** How long reads took, in milliseconds. */
export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Reads of one reader, one after the other. */
export async function measureReads(object: OpenedObject, reads: number, seed: number): Promise<Latencies> {
  const offsets = randomOffsets(object.size, seed);
  const times: number[] = [];
  for (let read = 0; read < reads; read += 1) {
    const offset = offsets.next().value;
    const start = performance.now();
    await object.read(offset, offset + RANGE_BYTES);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Reads a second of many readers at once, each of which reads one after the other. */
export async function measureReaders(objects: readonly OpenedObject[], readsEach: number): Promise<number> {
  const start = performance.now();
  await Promise.all(objects.map((object, reader) => measureReads(object, readsEach, reader + 1)));
  return (objects.length * readsEach * 1000) / (performance.now() - start);
}

export interface RangeFigures extends Latencies {
  /** Reads a second of 64 readers that share one opened object. */
  readonly readsPerSecond: number;
}

/** Everything of one segment length, in a file of its own; the file is in the page cache, the segments in no cache. */
export async function measureRanges(size: number, segmentLength: number, reads: number): Promise<RangeFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-bench-'));
  try {
    const path = join(folder, 'large.wax');
    const key = await sealLarge(path, size, segmentLength);
    const object = await openObject(path, key, { cacheBytes: 0 });
    try {
      await measureReads(object, reads, 1);
      const latencies = await measureReads(object, reads, 2);
      const readers = Array.from({ length: 64 }, () => object);
      return { ...latencies, readsPerSecond: await measureReaders(readers, Math.ceil(reads / 16)) };
    } finally {
      await object.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
