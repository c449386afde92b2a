const FIRST_CAPACITY = 4096;

/**
 * Bytes that wait for more: copied, so that a source may reuse its chunks, and grown only as far as bytes arrive, so
 * that a large segment length costs nothing where the message is small.
 */
export class HeldBytes {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes held; valid until the next {@link HeldBytes.append}. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes bytes from the start of `chunk` until `target` are held. Returns how many it took. */
  append(chunk: Uint8Array, target: number): number {
    const taken = Math.min(chunk.length, target - this.#length);
    this.#reserve(this.#length + taken, target);
    this.#bytes.set(chunk.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Overwrites what was held: it may be plaintext. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  #reserve(needed: number, target: number): void {
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(target, Math.max(FIRST_CAPACITY, 2 * this.#bytes.length))));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes.fill(0);
    this.#bytes = grown;
  }
}
