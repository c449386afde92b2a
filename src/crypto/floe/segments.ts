/**
 * FLOE segment by segment (C2SP FLOE.md, "Semi-Public Functions (Random Access)"): the sharp tools, for code that
 * encrypts or reads in parallel or at arbitrary positions. They do not enforce that all segments are encrypted, that a
 * position is encrypted only once, that nothing stands after the final segment, or that a reader reaches it: the
 * caller must. Everyone else takes the online, stream or one-shot functions.
 *
 * @packageDocumentation
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { writeU32 } from '../../bytes/index.ts';
import { zero } from '../secrets.ts';
import { checkFrame } from './frame.ts';
import { createHeader, headerTagMatches, parseHeader } from './header.ts';
import { requireBytes, requireKey, requirePosition } from './inputs.ts';
import { floeKdf, MESSAGE_KEY, writePosition } from './kdf.ts';
import {
  type FloeParams,
  INTERNAL_MARKER,
  resolveParams,
  SEGMENT_OVERHEAD,
  SEGMENT_PREFIX_LENGTH,
  TAG_LENGTH,
} from './params.ts';
import { authenticationFailed } from './refusals.ts';
import { createState, FloeState, segmentKeyAt, paramsFor } from './state.ts';

export { verifyHeader } from './header.ts';
export { FloeState };

const MESSAGE_KEY_LENGTH = 48;
const AEAD = 'aes-256-gcm';
/** Without it Node accepts a GCM tag of 4 bytes (node#52327). */
const AEAD_OPTIONS = { authTagLength: TAG_LENGTH } as const;
const MARKER_LENGTH = 4;

/** A segment in its three pieces, for a vectored write: prefix ‖ ciphertext ‖ tag. The caller owns all three. */
export interface EncryptedSegmentParts {
  /** Marker (4) and AEAD IV (12). */
  readonly prefix: Uint8Array;
  /** As long as the plaintext. */
  readonly ciphertext: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

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
  const { context, header } = createHeader(key, aad, resolved);
  const messageKey = floeKdf(key, context, MESSAGE_KEY, MESSAGE_KEY_LENGTH);
  return { state: createState('encrypt', resolved, context, messageKey), header };
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
  const resolved = resolveParams(params);
  requireKey(key);
  requireBytes('aad', aad);
  requireBytes('header', header);
  const context = parseHeader(header, aad, resolved);
  if (!headerTagMatches(key, header, context)) throw authenticationFailed();
  const messageKey = floeKdf(key, context, MESSAGE_KEY, MESSAGE_KEY_LENGTH);
  return createState('decrypt', resolved, context, messageKey);
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
  // Every byte is written below, so zeroing the memory first would only cost time.
  const segment = plain(Buffer.allocUnsafeSlow(SEGMENT_OVERHEAD + ciphertext.length));
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
  const { segmentLength } = paramsFor(state, 'encrypt');
  requireBytes('plaintext', plaintext);
  requirePosition(position, isFinal);
  const full = segmentLength - SEGMENT_OVERHEAD;
  if (isFinal ? plaintext.length > full : plaintext.length !== full) {
    throw new RangeError(
      isFinal ? `the final segment takes at most ${full} bytes` : `an internal segment takes exactly ${full} bytes`,
    );
  }
  const prefix = new Uint8Array(SEGMENT_PREFIX_LENGTH);
  writeU32(prefix, 0, isFinal ? SEGMENT_OVERHEAD + plaintext.length : INTERNAL_MARKER);
  // Drawn now, not from a pool: a pool in a VM snapshot that is resumed twice gives one IV to two plaintexts.
  randomFillSync(prefix, MARKER_LENGTH);
  const cipher = createCipheriv(AEAD, segmentKeyAt(state, position), prefix.subarray(MARKER_LENGTH), AEAD_OPTIONS);
  cipher.setAAD(segmentAad(position, isFinal));
  const ciphertext = plain(cipher.update(plaintext));
  cipher.final();
  return { prefix, ciphertext, tag: plain(cipher.getAuthTag()) };
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
  const { segmentLength } = paramsFor(state, 'decrypt');
  requireBytes('segment', segment);
  requirePosition(position, isFinal);
  checkFrame(segment, segmentLength, isFinal);
  const end = segment.length - TAG_LENGTH;
  const iv = segment.subarray(MARKER_LENGTH, SEGMENT_PREFIX_LENGTH);
  const decipher = createDecipheriv(AEAD, segmentKeyAt(state, position), iv, AEAD_OPTIONS);
  decipher.setAAD(segmentAad(position, isFinal));
  decipher.setAuthTag(segment.subarray(end));
  const plaintext = plain(decipher.update(segment.subarray(SEGMENT_PREFIX_LENGTH, end)));
  try {
    decipher.final();
  } catch {
    zero(plaintext);
    throw authenticationFailed();
  }
  return plaintext;
}

/** The AAD of a segment's AES-GCM: position (8) and 01 for the final segment, 00 for the others. */
function segmentAad(position: number, isFinal: boolean): Uint8Array {
  const aad = new Uint8Array(9);
  writePosition(aad, 0, position);
  aad[8] = isFinal ? 1 : 0;
  return aad;
}

/** The same memory as a plain `Uint8Array`: a `Buffer` differs where it matters (`slice` does not copy). */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
