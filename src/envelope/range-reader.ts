import type { PayloadReader } from './payload-reader.ts';
import { SegmentCache } from './segment-cache.ts';

/** Reads that want at most so many segments go through the cache. */
const CACHED_SEGMENTS = 4;

/**
 * Reads ranges of one payload: short ones through a cache of decrypted segments, long ones and streams around it. Those
 * run once over what nobody comes back to soon: they would wash the cache out for the short ones, and a stream that
 * keeps what it has given would not be flat in memory.
 */
export class RangeReader {
  readonly #reader: PayloadReader;
  readonly #cache: SegmentCache | undefined;
  readonly #cacheBytes: number;

  /**
   * Takes over the reader.
   *
   * @param cacheBytes bound of the cache; 0 for none
   */
  constructor(reader: PayloadReader, cacheBytes: number) {
    this.#reader = reader;
    this.#cacheBytes = cacheBytes;
    if (cacheBytes > 0) this.#cache = new SegmentCache(cacheBytes, (first, last) => reader.segments(first, last));
  }

  /** Authenticates the final segment: that the payload ends here. */
  async checkEnd(): Promise<void> {
    const { segments } = this.#reader.shape;
    await this.#segments(segments - 1, segments - 1);
  }

  /** Plaintext `start` to `stop`, which lie inside; the caller owns the buffer, which holds exactly that. */
  async read(start: number, stop: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const { plainLength, size } = this.#reader.shape;
    this.#reader.assertOpen();
    // An empty object that was changed must not pass for one, so its segment is looked at.
    if (start === stop && size > 0) return new Uint8Array(0);
    const first = Math.floor(start / plainLength);
    const last = Math.max(first, Math.floor((stop - 1) / plainLength));
    if (last - first >= CACHED_SEGMENTS) return joined(this.#reader.parts(start, stop, signal), stop - start);
    const segments = await this.#segments(first, last, signal);
    // What the cache holds is zeroed when the object is closed. From here on nothing waits.
    this.#reader.assertOpen();
    const out = new Uint8Array(stop - start);
    let filled = 0;
    for (const [index, segment] of segments.entries()) {
      const offset = (first + index) * plainLength;
      const part = segment.subarray(Math.max(0, start - offset), stop - offset);
      out.set(part, filled);
      filled += part.length;
    }
    return out;
  }

  /** Plaintext `start` to `stop`, which lie inside, in order; each chunk is the receiver's. */
  stream(start: number, stop: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    return start < stop ? this.#reader.parts(start, stop, signal) : this.#nothing(start, signal);
  }

  async *#nothing(start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    await this.read(start, start, signal);
  }

  /** Read only: the cache may hold them, too. */
  #segments(first: number, last: number, signal?: AbortSignal): Promise<Uint8Array[]> {
    const fits = (last - first + 1) * this.#reader.shape.plainLength <= this.#cacheBytes;
    // A read that others may share is ended by none of them, so it does not get the signal.
    return fits && this.#cache !== undefined
      ? this.#cache.read(first, last)
      : Promise.all(this.#reader.segments(first, last, signal));
  }

  /** Refuses what is under way, zeroes keys and cache, and waits until nothing reads any more. */
  async close(): Promise<void> {
    // The reader first, in the same step: who is about to copy from the cache must see that it is closed.
    const idle = this.#reader.close();
    this.#cache?.close();
    await idle;
  }
}

async function joined(parts: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(length);
  let filled = 0;
  for await (const part of parts) {
    out.set(part, filled);
    filled += part.length;
  }
  return out;
}
