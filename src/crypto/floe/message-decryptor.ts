import { allocateSecret, zero } from '../secrets.ts';
import { MessageCutter } from './cutters.ts';
import { measureSegment } from './frame.ts';
import { requireBytes, requireKey } from './inputs.ts';
import { OnlineDecryptor } from './online.ts';
import { type FloeParams, HEADER_LENGTH, KEY_LENGTH, type ResolvedParams, resolveParams } from './params.ts';
import { trailingData, truncated } from './refusals.ts';

const MARKER_LENGTH = 4;

/**
 * Decrypts a whole message that arrives in chunks of any size: what the stream and the one-shot functions share.
 * Internal segments come out of `push`; the final one comes out of `end` only, when nothing is known to follow it.
 */
export class MessageDecryptor {
  readonly #params: ResolvedParams;
  readonly #aad: Uint8Array;
  /** Our copy: the caller may zero the key before the header has arrived. */
  readonly #key = allocateSecret(KEY_LENGTH);
  readonly #cutter = new MessageCutter((start) => this.#measure(start));
  #online: OnlineDecryptor | undefined;
  #isFinal = false;
  #last: Uint8Array | undefined;

  constructor(key: Uint8Array, aad: Uint8Array, params: FloeParams) {
    this.#params = resolveParams(params);
    requireKey(key);
    requireBytes('aad', aad);
    this.#aad = aad.slice();
    this.#key.set(key);
  }

  /** The plaintext of the internal segments that `chunk` completes, each owned by the caller. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    requireBytes('chunk', chunk);
    for (const piece of this.#cutter.push(chunk)) {
      if (this.#online === undefined) {
        this.#online = new OnlineDecryptor(this.#key, this.#aad, piece, this.#params);
        zero(this.#key);
      } else if (this.#isFinal) {
        this.#last = this.#online.decryptLastSegment(piece);
      } else {
        yield this.#online.decryptSegment(piece);
      }
    }
  }

  /** The plaintext of the final segment, once the data has ended. */
  end(): Uint8Array {
    if (this.#last === undefined) {
      throw truncated(this.#online === undefined ? 'inside the FLOE header' : 'before the end of its final segment');
    }
    return this.#last;
  }

  close(): void {
    zero(this.#key);
    this.#online?.close();
  }

  #measure(start: Uint8Array): number | undefined {
    if (this.#online === undefined) return HEADER_LENGTH;
    if (this.#last !== undefined) throw trailingData('the final segment');
    if (start.length < MARKER_LENGTH) return undefined;
    const { length, isFinal } = measureSegment(start, this.#params.segmentLength);
    this.#isFinal = isFinal;
    return length;
  }
}
