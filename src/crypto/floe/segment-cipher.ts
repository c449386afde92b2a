import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { writeU32 } from '../../bytes/index.ts';
import { zero } from '../secrets.ts';
import { checkFrame } from './frame.ts';
import { requireBytes, requirePosition } from './inputs.ts';
import { writePosition } from './kdf.ts';
import { INTERNAL_MARKER, SEGMENT_OVERHEAD, SEGMENT_PREFIX_LENGTH, TAG_LENGTH } from './params.ts';
import { authenticationFailed } from './refusals.ts';
import { type FloeState, paramsFor, segmentKeyAt } from './state.ts';

const AEAD = 'aes-256-gcm';
/** Without it Node accepts a GCM tag of 4 bytes (node#52327). */
const AEAD_OPTIONS = { authTagLength: TAG_LENGTH } as const;
const MARKER_LENGTH = 4;

/** Bytes of a segment's AEAD IV. */
export const SEGMENT_IV_LENGTH = SEGMENT_PREFIX_LENGTH - MARKER_LENGTH;

/** A segment in its three pieces, for a vectored write: prefix ‖ ciphertext ‖ tag. The caller owns all three. */
export interface EncryptedSegmentParts {
  /** Marker (4) and AEAD IV (12). */
  readonly prefix: Uint8Array;
  /** As long as the plaintext. */
  readonly ciphertext: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

/**
 * `encryptSegmentParts` of segments.ts.
 *
 * @param iv 12 bytes that were drawn for this segment while its plaintext could not change any more; drawn here otherwise
 */
export function encryptParts(
  state: FloeState,
  plaintext: Uint8Array,
  position: number,
  isFinal: boolean,
  iv: Uint8Array | undefined,
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
  if (iv === undefined) randomFillSync(prefix, MARKER_LENGTH);
  else prefix.set(iv, MARKER_LENGTH);
  const cipher = createCipheriv(AEAD, segmentKeyAt(state, position), prefix.subarray(MARKER_LENGTH), AEAD_OPTIONS);
  cipher.setAAD(segmentAad(position, isFinal));
  const ciphertext = plain(cipher.update(plaintext));
  cipher.final();
  return { prefix, ciphertext, tag: plain(cipher.getAuthTag()) };
}

/** `decryptSegment` of segments.ts. */
export function decryptParts(state: FloeState, segment: Uint8Array, position: number, isFinal: boolean): Uint8Array {
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
