/**
 * FLOE segment by segment (C2SP FLOE.md, "Semi-Public Functions (Random Access)"): the sharp tools, for code that
 * encrypts or reads in parallel or at arbitrary positions. They do not enforce that all segments are encrypted, that a
 * position is encrypted only once, that nothing stands after the final segment, or that a reader reaches it: the
 * caller must. Everyone else takes the online, stream or one-shot functions.
 *
 * @packageDocumentation
 */
import { allocateUnset } from '../../bytes/index.ts';
import { randomPublic } from '../secrets.ts';
import { authenticateHeader, createHeader } from './header.ts';
import { requireBytes, requireKey } from './inputs.ts';
import { FLOE_IV_LENGTH, type FloeParams, resolveParams, SEGMENT_OVERHEAD, SEGMENT_PREFIX_LENGTH } from './params.ts';
import { authenticationFailed } from './refusals.ts';
import { decryptParts, type EncryptedSegmentParts, encryptParts } from './segment-cipher.ts';
import { createState, FloeState } from './state.ts';

export { verifyHeader } from './header.ts';
export { type EncryptedSegmentParts, FloeState };

/** What {@link startEncryption} gives. */
export interface StartedEncryption {
  /** For the segments; the caller closes it. */
  readonly state: FloeState;
  /** 74 bytes, which stand before the first segment; the caller owns them. */
  readonly header: Uint8Array;
}

/**
 * Starts a new FLOE message with a fresh random IV (FLOE.md, `startEncryption`).
 *
 * @param key 32 bytes; read only, not kept
 * @param aad associated data, any length; copied
 * @returns the state, which the caller closes, and the header of 74 bytes, which the caller owns
 * @throws TypeError, RangeError for a wrong argument
 */
export function startEncryption(key: Uint8Array, aad: Uint8Array, params: FloeParams): StartedEncryption {
  const resolved = resolveParams(params);
  requireKey(key);
  requireBytes('aad', aad);
  // The state lives longer than the call, so it must not see a later change to the caller's buffer.
  const { message, header } = createHeader(key, new Uint8Array(aad), resolved, randomPublic(FLOE_IV_LENGTH));
  return { state: createState('encrypt', message, key), header };
}

/**
 * Starts reading a FLOE message (FLOE.md, `startDecryption`): the header must carry exactly these parameters and the
 * tag of this key and associated data.
 *
 * @param key 32 bytes; read only, not kept
 * @param aad associated data of the message; copied
 * @param header 74 bytes; read only
 * @returns the state, which the caller closes
 * @throws WaxsealError `ERR_MALFORMED` when the header has another length or other parameters; `ERR_AUTHENTICATION`
 * when its tag is wrong. TypeError, RangeError for a wrong argument
 */
export function startDecryption(key: Uint8Array, aad: Uint8Array, header: Uint8Array, params: FloeParams): FloeState {
  requireBytes('aad', aad);
  const message = authenticateHeader(key, new Uint8Array(aad), header, params);
  if (message === undefined) throw authenticationFailed();
  return createState('decrypt', message, key);
}

/**
 * Encrypts one segment into one new buffer (FLOE.md, `encryptSegment`).
 *
 * @param plaintext `segmentLength - 32` bytes, or up to that many when final; read only
 * @param position 0 to 2^40 - 1 when final, to 2^40 - 2 when not. Never twice for different plaintexts
 * @param isFinal whether this is the message's last segment
 * @returns the segment, which the caller owns
 * @throws RangeError for a plaintext or position out of range; TypeError for a wrong type, a closed state, or one that
 * was started to decrypt
 */
export function encryptSegment(
  state: FloeState,
  plaintext: Uint8Array,
  position: number,
  isFinal: boolean,
): Uint8Array {
  const { prefix, ciphertext, tag } = encryptSegmentParts(state, plaintext, position, isFinal);
  const segment = allocateUnset(SEGMENT_OVERHEAD + ciphertext.length);
  segment.set(prefix);
  segment.set(ciphertext, SEGMENT_PREFIX_LENGTH);
  segment.set(tag, SEGMENT_PREFIX_LENGTH + ciphertext.length);
  return segment;
}

/**
 * Encrypts one segment without joining its pieces, which saves a copy of the ciphertext. Everything else is as in
 * {@link encryptSegment}.
 */
export function encryptSegmentParts(
  state: FloeState,
  plaintext: Uint8Array,
  position: number,
  isFinal: boolean,
): EncryptedSegmentParts {
  return encryptParts(state, plaintext, position, isFinal, undefined);
}

/**
 * Decrypts one segment (FLOE.md, `decryptSegment`). Plaintext leaves only after the tag was verified.
 *
 * @param segment the whole segment; read only
 * @param position where the segment stands in the message, from 0
 * @param isFinal whether the caller takes it for the last one; a reader that does not know the length of the message
 * takes that from the marker, and must refuse data that ends without a final segment
 * @returns the plaintext, which the caller owns
 * @throws WaxsealError `ERR_AUTHENTICATION` when the segment was changed, moved, or is internal or final where the
 * other was expected; `ERR_TRUNCATED` when it is shorter than it says or must be, or says that others follow although
 * it is the last; `ERR_TRAILING_DATA` when it is longer; `ERR_MALFORMED` when its marker is no possible length.
 * RangeError for a position out of range; TypeError for a wrong type, a closed state, or one that was started to encrypt
 */
export function decryptSegment(state: FloeState, segment: Uint8Array, position: number, isFinal: boolean): Uint8Array {
  return decryptParts(state, segment, position, isFinal);
}
