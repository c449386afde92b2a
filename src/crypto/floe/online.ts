import { readU32 } from '../../bytes/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import { requireBytes } from './inputs.ts';
import { type FloeParams, INTERNAL_MARKER, MAX_SEGMENTS, SEGMENT_OVERHEAD } from './params.ts';
import { truncated } from './refusals.ts';
import { decryptSegment, encryptSegment, type FloeState, startDecryption, startEncryption } from './segments.ts';

/**
 * Encrypts a message segment by segment, in order (C2SP FLOE.md, "Public Streaming/Online Function"). It counts the
 * positions and ends itself with the final segment, so that no position is ever used twice.
 */
export class OnlineEncryptor {
  /** The 74 bytes that stand before the first segment. */
  readonly header: Uint8Array;
  readonly #state: FloeState;
  private counter = 0;

  /**
   * @param key 32 bytes; read only, not kept
   * @param aad associated data; copied
   * @throws TypeError, RangeError for a wrong argument
   */
  constructor(key: Uint8Array, aad: Uint8Array, params: FloeParams) {
    const { state, header } = startEncryption(key, aad, params);
    this.#state = state;
    this.header = header;
  }

  /**
   * Encrypts the next full segment (`encryptOnlineSegment`).
   *
   * @param plaintext exactly `segmentLength - 32` bytes; read only
   * @throws RangeError for another length, or when only the final segment still has a position; TypeError after the
   * final segment or after close
   */
  encryptSegment(plaintext: Uint8Array): Uint8Array {
    const segment = encryptSegment(this.#state, plaintext, this.counter, false);
    this.counter++;
    return segment;
  }

  /**
   * Encrypts the final segment (`encryptLastSegment`) and closes.
   *
   * @param plaintext 0 to `segmentLength - 32` bytes; read only
   * @throws RangeError for a longer one; TypeError after the final segment or after close
   */
  encryptLastSegment(plaintext: Uint8Array): Uint8Array {
    const segment = encryptSegment(this.#state, plaintext, this.counter, true);
    this.close();
    return segment;
  }

  /** Zeroes the keys. Closing before the final segment leaves a message that every reader refuses. */
  close(): void {
    this.#state.close();
  }
}

/**
 * Decrypts a message segment by segment, in order. The message is whole only when {@link OnlineDecryptor.finished} is
 * true at the end of the data: until then it may have been cut.
 */
export class OnlineDecryptor {
  readonly #state: FloeState;
  #finished = false;
  private counter = 0;

  /**
   * @param key 32 bytes; read only, not kept
   * @param aad associated data of the message; copied
   * @param header 74 bytes; read only
   * @throws WaxsealError `ERR_MALFORMED`, `ERR_AUTHENTICATION`; TypeError, RangeError for a wrong argument
   */
  constructor(key: Uint8Array, aad: Uint8Array, header: Uint8Array, params: FloeParams) {
    this.#state = startDecryption(key, aad, header, params);
  }

  /** Whether the final segment was authenticated. */
  get finished(): boolean {
    return this.#finished;
  }

  /**
   * Decrypts the next segment, which must not be the final one (`decryptOnlineSegment`).
   *
   * @returns the plaintext, which the caller owns
   * @throws WaxsealError as `decryptSegment` of `waxseal/floe/segments`; `ERR_LIMIT_EXCEEDED` where only a final segment
   * may stand. TypeError after the final segment or after close
   */
  decryptSegment(segment: Uint8Array): Uint8Array {
    if (this.counter >= MAX_SEGMENTS - 1) {
      throw new WaxsealError('ERR_LIMIT_EXCEEDED', 'the data holds more than 2^40 segments');
    }
    const plaintext = decryptSegment(this.#state, segment, this.counter, false);
    this.counter++;
    return plaintext;
  }

  /** Decrypts the final segment (`decryptLastSegment`) and closes. Otherwise as {@link OnlineDecryptor.decryptSegment}. */
  decryptLastSegment(segment: Uint8Array): Uint8Array {
    const plaintext = decryptSegment(this.#state, segment, this.counter, true);
    this.#finished = true;
    this.close();
    return plaintext;
  }

  /** Decrypts the next segment, final or not as its marker says (`decryptAnyOnlineSegment`). */
  decryptAnySegment(segment: Uint8Array): Uint8Array {
    requireBytes('segment', segment);
    if (segment.length < SEGMENT_OVERHEAD) throw truncated('inside a segment');
    return readU32(segment, 0) === INTERNAL_MARKER ? this.decryptSegment(segment) : this.decryptLastSegment(segment);
  }

  /** Zeroes the keys. */
  close(): void {
    this.#state.close();
  }
}
