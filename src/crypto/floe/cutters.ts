import { HeldBytes } from './held-bytes.ts';

/**
 * Cuts plaintext into full segments. It always keeps the last bytes back, a whole segment of them if need be: only
 * when more plaintext follows is a segment known not to be the final one. Pieces are views, into the chunk where it
 * covers a whole segment, and valid until the generator is asked for the next one.
 */
export class PlaintextCutter {
  readonly #size: number;
  readonly #held = new HeldBytes();

  constructor(size: number) {
    this.#size = size;
  }

  /** The full segments that `chunk` completes. The chunk is not needed after the generator is done. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let rest = chunk;
    while (this.#held.length + rest.length > this.#size) {
      if (this.#held.length === 0) {
        yield rest.subarray(0, this.#size);
        rest = rest.subarray(this.#size);
      } else {
        rest = rest.subarray(this.#held.append(rest, this.#size));
        yield this.#held.view();
        this.#held.clear();
      }
    }
    this.#held.append(rest, this.#size);
  }

  /** What is left for the final segment: 0 to `size` bytes. */
  rest(): Uint8Array {
    return this.#held.view();
  }

  wipe(): void {
    this.#held.wipe();
  }
}

/**
 * Cuts a FLOE message into its header and segments, each handed out as soon as it is complete. `measure` gets the first
 * bytes of a piece and says how long the piece is, or `undefined` when it needs 4 bytes to know. Pieces are views as
 * those of {@link PlaintextCutter} are.
 */
export class MessageCutter {
  readonly #measure: (start: Uint8Array) => number | undefined;
  readonly #held = new HeldBytes();

  constructor(measure: (start: Uint8Array) => number | undefined) {
    this.#measure = measure;
  }

  /** The pieces that `chunk` completes. The chunk is not needed after the generator is done. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let rest = chunk;
    while (rest.length > 0) {
      const length = this.#measure(this.#held.length === 0 ? rest : this.#held.view());
      if (this.#held.length === 0 && length !== undefined && rest.length >= length) {
        yield rest.subarray(0, length);
        rest = rest.subarray(length);
        continue;
      }
      rest = rest.subarray(this.#held.append(rest, length ?? 4));
      if (this.#held.length === length) {
        yield this.#held.view();
        this.#held.clear();
      }
    }
  }
}
