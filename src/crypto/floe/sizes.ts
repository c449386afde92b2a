import { WaxsealError } from '../../errors/index.ts';
import {
  type FloeParams,
  HEADER_LENGTH,
  MAX_SEGMENTS,
  requireInteger,
  resolveParams,
  SEGMENT_OVERHEAD,
  segmentPlaintextLength,
} from './params.ts';

/**
 * Number of segments that encryption makes of a plaintext: full ones and a final one of at least one byte. An empty
 * plaintext is one empty final segment.
 *
 * @param plaintextLength bytes
 * @throws RangeError when the plaintext would need more than 2^40 segments
 */
export function floeSegmentCount(plaintextLength: number, params: FloeParams): number {
  const { segmentLength } = resolveParams(params);
  requireInteger('plaintext length', plaintextLength, 0, Number.MAX_SAFE_INTEGER);
  const segments = Math.max(1, Math.ceil(plaintextLength / (segmentLength - SEGMENT_OVERHEAD)));
  if (segments > MAX_SEGMENTS) throw new RangeError('the plaintext needs more than 2^40 segments');
  return segments;
}

/**
 * Bytes of the whole FLOE message, header included, that encryption makes of a plaintext.
 *
 * @param plaintextLength bytes
 * @throws RangeError when the plaintext would need more than 2^40 segments or the sum is no safe integer
 */
export function floeSize(plaintextLength: number, params: FloeParams): number {
  const size = HEADER_LENGTH + plaintextLength + floeSegmentCount(plaintextLength, params) * SEGMENT_OVERHEAD;
  if (!Number.isSafeInteger(size)) throw new RangeError('the message would be longer than 2^53 - 1 bytes');
  return size;
}

/**
 * Bytes of plaintext in a FLOE body. Arithmetic only: nothing is proven until the final segment authenticated.
 *
 * @param bodyLength bytes of the message without its header
 * @throws WaxsealError `ERR_TRUNCATED` when no FLOE body has that length (there is no final segment, or less than one);
 * `ERR_LIMIT_EXCEEDED` when it holds more than 2^40 segments
 */
export function floePlaintextSize(bodyLength: number, params: FloeParams): number {
  const { segmentLength } = resolveParams(params);
  requireInteger('body length', bodyLength, 0, Number.MAX_SAFE_INTEGER);
  const internal = Math.floor(bodyLength / segmentLength);
  const rest = bodyLength - internal * segmentLength;
  if (bodyLength === 0 || (rest > 0 && rest < SEGMENT_OVERHEAD)) {
    throw new WaxsealError(
      'ERR_TRUNCATED',
      `the data ends inside a segment: no message has a body of ${bodyLength} bytes`,
    );
  }
  if (internal + (rest > 0 ? 1 : 0) > MAX_SEGMENTS) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', 'the data holds more than 2^40 segments');
  }
  return internal * segmentPlaintextLength(params) + Math.max(0, rest - SEGMENT_OVERHEAD);
}
