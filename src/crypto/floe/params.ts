import { refuseUnknownOptions } from '../../errors/index.ts';

/**
 * Parameters of a FLOE message (C2SP FLOE.md, "Parameters"). AEAD and KDF are fixed: AES-256-GCM and
 * HKDF-Expand-SHA-384 with a FLOE IV of 32 bytes.
 */
export interface FloeParams {
  /** `ENC_SEG_LEN`: bytes of one whole encrypted segment, its overhead of 32 included; 33 to 2147483647. */
  readonly segmentLength: number;
  /**
   * `AEAD_ROTATION_MASK`: a new segment key every 2^rotationMask segments, 0 to 40. 20 unless given, which is what
   * the specification fixes for AES-256-GCM. The header does not carry it, so both sides must know it.
   */
  readonly rotationMask?: number | undefined;
}

/** {@link FloeParams}, checked and complete. */
export interface ResolvedParams {
  readonly segmentLength: number;
  readonly rotationMask: number;
}

/** Bytes of a FLOE key (`AEAD_KEY_LEN`). */
export const KEY_LENGTH = 32;
/** Bytes of the FLOE IV in the header (`FLOE_IV_LEN`). */
export const FLOE_IV_LENGTH = 32;
/** Bytes of the header: encoded parameters (10), FLOE IV (32), header tag (32). */
export const HEADER_LENGTH = 74;
/** Bytes that encryption adds to every segment: marker (4), AEAD IV (12), AEAD tag (16). */
export const SEGMENT_OVERHEAD = 32;
/** Bytes in front of a segment's ciphertext: marker (4) and AEAD IV (12). */
export const SEGMENT_PREFIX_LENGTH = 16;
/** Bytes of the AES-GCM tag at the end of a segment. */
export const TAG_LENGTH = 16;
/** The marker of every segment but the final one, whose marker is its own length. */
export const INTERNAL_MARKER = 0xffffffff;
/** `AEAD_ROTATION_MASK` of AES-256-GCM: one segment key for 2^20 segments. */
export const DEFAULT_ROTATION_MASK = 20;
/** `AEAD_MAX_SEGMENTS` of AES-256-GCM: positions run from 0 to 2^40 - 1. */
export const MAX_SEGMENTS = 2 ** 40;

const MIN_SEGMENT_LENGTH = SEGMENT_OVERHEAD + 1;
/** What one call of a Node cipher can take. */
const MAX_SEGMENT_LENGTH = 2 ** 31 - 1;
const MAX_ROTATION_MASK = 40;

/**
 * Checks parameters and fills in the default.
 *
 * @throws TypeError for a wrong type or an unknown property; RangeError for a value out of range
 */
export function resolveParams(params: FloeParams): ResolvedParams {
  refuseUnknownOptions('FLOE parameters', params, ['segmentLength', 'rotationMask']);
  const { segmentLength, rotationMask = DEFAULT_ROTATION_MASK } = params;
  requireInteger('segmentLength', segmentLength, MIN_SEGMENT_LENGTH, MAX_SEGMENT_LENGTH);
  requireInteger('rotationMask', rotationMask, 0, MAX_ROTATION_MASK);
  return { segmentLength, rotationMask };
}

/** Bytes of plaintext in a full segment. */
export function segmentPlaintextLength(params: FloeParams): number {
  return params.segmentLength - SEGMENT_OVERHEAD;
}

/** Throws TypeError unless `value` is a number, RangeError unless it is an integer from `min` to `max`. */
export function requireInteger(name: string, value: number, min: number, max: number): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}`);
  }
}
