import { zero } from '../crypto/secrets.ts';

/** What {@link SegmentCache} holds unless it is told otherwise, in bytes: 32 segments of the default length. */
export const DEFAULT_CACHE_BYTES = 8 * 1024 * 1024;

/** Reads and decrypts segments `first` to `last` (included) in one go; one promise for each, in order. */
export type LoadSegments = (first: number, last: number) => readonly Promise<Uint8Array>[];

/**
 * Decrypted segments of one object, for reads that come back to the same place: the footer of a Parquet file, rows
 * that lie side by side. Bounded in bytes; what was used least recently goes first. Several readers who want one
 * segment at the same time share one read of it, and no reader can end it for the others. A read that failed is
 * forgotten, so that the next one tries again.
 */
export class SegmentCache {
  readonly #limitBytes: number;
  readonly #load: LoadSegments;
  /** Least recently used first: a Map keeps the order in which keys were set. */
  readonly #kept = new Map<number, Uint8Array>();
  /** On their way. They count towards the bound when they are there. */
  readonly #coming = new Map<number, Promise<Uint8Array>>();
  #bytes = 0;
  #closed = false;

  constructor(limitBytes: number, load: LoadSegments) {
    this.#limitBytes = limitBytes;
    this.#load = load;
  }

  /** Bytes of plaintext that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Segments `first` to `last` (included), in order. Neighbours that are missing are read together.
   *
   * @returns the segments as the cache holds them: read only, and zeroed when it is closed
   */
  async read(first: number, last: number): Promise<Uint8Array[]> {
    for (let position = first; position <= last; position += 1) {
      if (this.#has(position)) continue;
      let until = position;
      while (until < last && !this.#has(until + 1)) until += 1;
      this.#begin(position, until);
    }
    const kept: Uint8Array[] = [];
    // All of them are looked up before the first wait: what is there now may have gone after it.
    const all = Array.from({ length: last - first + 1 }, (_, index) => this.#take(first + index));
    for (const segment of all) kept.push(segment instanceof Uint8Array ? segment : await segment);
    return kept;
  }

  #has(position: number): boolean {
    return this.#kept.has(position) || this.#coming.has(position);
  }

  #begin(first: number, last: number): void {
    for (const [index, loading] of this.#load(first, last).entries()) {
      const position = first + index;
      const coming = loading.then(
        (plaintext) => {
          this.#coming.delete(position);
          this.#keep(position, plaintext);
          return plaintext;
        },
        (error: unknown) => {
          this.#coming.delete(position);
          throw error;
        },
      );
      // Whoever asked may have gone since; the failure is then nobody's.
      coming.catch(() => undefined);
      this.#coming.set(position, coming);
    }
  }

  #take(position: number): Uint8Array | Promise<Uint8Array> {
    const kept = this.#kept.get(position);
    if (kept === undefined) return this.#coming.get(position) as Promise<Uint8Array>;
    this.#kept.delete(position);
    this.#kept.set(position, kept);
    return kept;
  }

  #keep(position: number, plaintext: Uint8Array): void {
    if (this.#closed) {
      // It was decrypted just before the end: its readers are refused, and nothing of it stays.
      zero(plaintext);
      return;
    }
    if (plaintext.length > this.#limitBytes) return;
    this.#kept.set(position, plaintext);
    this.#bytes += plaintext.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#limitBytes) break;
      // Not zeroed: another reader may be about to copy from it.
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }

  /** Zeroes and forgets everything, also what is still on its way. Readers must check before they copy. */
  close(): void {
    this.#closed = true;
    zero(...this.#kept.values());
    this.#kept.clear();
    this.#bytes = 0;
  }
}
