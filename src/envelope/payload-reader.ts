import type { FloeState } from '../crypto/floe/segments.ts';
import { WaxsealError } from '../errors/index.ts';
import { BATCH_BYTES, readSourceAhead } from './file-reading.ts';
import { openSegment, type PayloadShape } from './payload.ts';
import type { OpenSource } from './source.ts';

/** Reads the segments of one payload, and decrypts them: at any place, by many at once, until it is closed. */
export class PayloadReader {
  /** Where its segments lie. */
  readonly shape: PayloadShape;
  readonly #source: OpenSource;
  /** Where the first segment begins. */
  readonly #base: number;
  readonly #state: FloeState;
  /** Reads of the source that are under way. */
  readonly #reads = new Set<AbortController>();
  /** Those that read ahead: a stream that its receiver holds may have a read under way, too. */
  readonly #ahead = new Set<AsyncGenerator<Uint8Array, void, undefined>>();
  #idle: (() => void) | undefined;
  #closed = false;

  /** Takes over `state`, which is closed with the reader; the source is the caller's. */
  constructor(source: OpenSource, base: number, state: FloeState, shape: PayloadShape) {
    this.#source = source;
    this.#base = base;
    this.#state = state;
    this.shape = shape;
  }

  /** Throws TypeError once it has been closed. Plaintext that several share is zeroed then: check before copying it. */
  assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  /**
   * Segments `first` to `last` (included), with one read of the source; one promise for each, so that a damaged segment
   * spoils only itself. The receivers own what they get.
   */
  segments(first: number, last: number, signal?: AbortSignal): Promise<Uint8Array>[] {
    const { segmentLength } = this.shape;
    const from = this.#base + first * segmentLength;
    const reading = this.#read(from, (last - first) * segmentLength + this.#lengthOf(last), signal);
    return Array.from({ length: last - first + 1 }, async (_, index) => {
      const bytes = await reading;
      return this.#open(bytes.subarray(index * segmentLength, (index + 1) * segmentLength), first + index);
    });
  }

  /**
   * Plaintext `start` to `stop`, inside the object and not empty, in order and segment by segment. Each chunk is newly
   * decrypted and the receiver's.
   */
  async *parts(start: number, stop: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.assertOpen();
    const { plainLength, segmentLength } = this.shape;
    const first = Math.floor(start / plainLength);
    const last = Math.floor((stop - 1) / plainLength);
    if (first === last) {
      // One segment is one read: no need to read ahead.
      signal?.throwIfAborted();
      for (const segment of this.segments(first, last, signal)) {
        yield (await segment).subarray(start - first * plainLength, stop - first * plainLength);
      }
      return;
    }
    let position = first;
    for await (const bytes of this.#readAhead(first, last, signal)) {
      for (let at = 0; at < bytes.length; at += segmentLength) {
        signal?.throwIfAborted();
        const plaintext = this.#open(bytes.subarray(at, at + segmentLength), position);
        const offset = position * plainLength;
        position += 1;
        yield plaintext.subarray(Math.max(0, start - offset), Math.min(plaintext.length, stop - offset));
      }
    }
    this.assertOpen();
    if (position <= last) throw this.#shorter();
  }

  async *#readAhead(first: number, last: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const { segmentLength } = this.shape;
    const from = this.#base + first * segmentLength;
    const to = this.#base + last * segmentLength + this.#lengthOf(last);
    const batch = Math.max(1, Math.floor(BATCH_BYTES / segmentLength)) * segmentLength;
    const source: OpenSource = {
      ...this.#source,
      read: (offset, length) => this.#read(offset, length, signal),
    };
    const chunks = readSourceAhead(source, from, to, batch);
    this.#ahead.add(chunks);
    try {
      yield* chunks;
    } finally {
      this.#ahead.delete(chunks);
    }
  }

  async #read(offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    this.assertOpen();
    const read = new AbortController();
    const abort = (): void => {
      read.abort(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#reads.add(read);
    try {
      return await this.#source.read(offset, length, { signal: read.signal });
    } catch (error) {
      // Whatever closing did to the read: what matters is that the object was closed.
      this.assertOpen();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#reads.delete(read);
      if (this.#reads.size === 0) this.#idle?.();
    }
  }

  #open(bytes: Uint8Array, position: number): Uint8Array {
    this.assertOpen();
    if (bytes.length < this.#lengthOf(position)) throw this.#shorter();
    return openSegment(this.#state, bytes, position, position === this.shape.segments - 1, this.#source.name);
  }

  #lengthOf(position: number): number {
    return position === this.shape.segments - 1 ? this.shape.finalLength : this.shape.segmentLength;
  }

  #shorter(): WaxsealError {
    const { name } = this.#source;
    return new WaxsealError('ERR_TRUNCATED', `${name} became shorter while it was read`, { object: name });
  }

  /**
   * Zeroes the keys at once, ends what is under way with a TypeError, and waits until no read uses the source any more:
   * a file descriptor that was closed under a read may be another file by then.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#state.close();
    for (const read of this.#reads) read.abort(closedError());
    await Promise.allSettled(Array.from(this.#ahead, (chunks) => chunks.return()));
    if (this.#reads.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }
}

function closedError(): TypeError {
  return new TypeError('the object has been closed');
}
