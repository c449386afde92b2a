import { ascii, writeU32 } from '../../bytes/index.ts';
import { hkdfExpand } from '../hkdf.ts';
import { FLOE_IV_LENGTH, type ResolvedParams } from './params.ts';

/** Bytes of `PARAM_ENCODE`. */
export const ENCODED_PARAMS_LENGTH = 10;

/** `PARAM_ENCODE`: AEAD id (1) and KDF id (1), both 0, segment length (4), FLOE IV length (4). */
export function encodeParams(params: ResolvedParams): Uint8Array {
  const encoded = new Uint8Array(ENCODED_PARAMS_LENGTH);
  writeU32(encoded, 2, params.segmentLength);
  writeU32(encoded, 6, FLOE_IV_LENGTH);
  return encoded;
}

/** The public context that every derivation of one message shares. */
export interface MessageContext {
  readonly encodedParams: Uint8Array;
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
}

export const HEADER_TAG = ascii('HEADER_TAG:');
export const MESSAGE_KEY = ascii('MESSAGE_KEY:');
const SEGMENT_KEY = ascii('DEK:');

/** `"DEK:" ‖ I2BE(first, 8)`, where `first` is the first position that the segment key serves. */
export function segmentKeyPurpose(first: number): Uint8Array {
  const purpose = new Uint8Array(SEGMENT_KEY.length + 8);
  purpose.set(SEGMENT_KEY);
  writePosition(purpose, SEGMENT_KEY.length, first);
  return purpose;
}

/** `I2BE(position, 8)`. */
export function writePosition(bytes: Uint8Array, offset: number, position: number): void {
  writeU32(bytes, offset, Math.floor(position / 2 ** 32));
  writeU32(bytes, offset + 4, position % 2 ** 32);
}

/**
 * `FLOE_KDF(key, iv, aad, purpose, length)`: HKDF-Expand-SHA-384 over `PARAM_ENCODE(params) ‖ iv ‖ purpose ‖ aad`.
 *
 * @returns a new buffer that the caller owns and zeroes
 */
export function floeKdf(
  key: Uint8Array,
  context: MessageContext,
  purpose: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return hkdfExpand(key, [context.encodedParams, context.iv, purpose, context.aad], length);
}
