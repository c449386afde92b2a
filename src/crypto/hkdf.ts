import { hmac } from './hmac.ts';
import { labelPrefix } from './label.ts';

const HASH_LENGTH = 48;

/**
 * HKDF-Expand with SHA-384 (RFC 5869 section 2.3). Made from HMAC because Node's `hkdf` always extracts first.
 *
 * @param prk key, used as it is
 * @param info public context
 * @param length wanted bytes, at most 48: one block is all that the format needs
 * @returns memory of its own that the caller owns and zeroes
 */
export function hkdfExpand(prk: Uint8Array, info: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(length) || length < 1 || length > HASH_LENGTH)
    throw new RangeError('hkdfExpand gives 1 to 48 bytes');
  const block = hmac('sha384', prk, info, BLOCK_ONE);
  // A view, not a copy; what was not asked for is gone.
  return block.fill(0, length).subarray(0, length);
}

const BLOCK_ONE = 1;

/** `X(k, label, x, n)` of SPEC section "Notation": HKDF-Expand-SHA-384(k, ASCII label ‖ 00 ‖ x, n). */
export function expandLabel(
  key: Uint8Array,
  label: string,
  x: readonly Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  return hkdfExpand(key, [labelPrefix(label), ...x], length);
}
