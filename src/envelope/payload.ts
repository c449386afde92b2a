import { decryptSegment, type FloeState } from '../crypto/floe/segments.ts';
import { MAX_SEGMENTS, SEGMENT_OVERHEAD } from '../crypto/floe/params.ts';
import { WaxsealError } from '../errors/index.ts';
import type { Head } from './format/head.ts';

/** Where the segments of a payload lie. */
export interface PayloadShape {
  readonly segmentLength: number;
  /** Plaintext bytes in a full segment. */
  readonly plainLength: number;
  /** Number of segments, at least one. */
  readonly segments: number;
  /** Encrypted length of the final segment. */
  readonly finalLength: number;
  /** Plaintext size. */
  readonly size: number;
}

/** Encrypted bytes (segments only) of a plaintext. */
export function payloadLength(size: number, segmentLength: number): number {
  const { segments, finalLength } = shapeOfPlaintext(size, segmentLength);
  return (segments - 1) * segmentLength + finalLength;
}

/** Shape of the payload that writers make of `size` plaintext bytes. */
export function shapeOfPlaintext(size: number, segmentLength: number): PayloadShape {
  const plainLength = segmentLength - SEGMENT_OVERHEAD;
  const segments = Math.max(1, Math.ceil(size / plainLength));
  const finalLength = size - (segments - 1) * plainLength + SEGMENT_OVERHEAD;
  return { segmentLength, plainLength, segments, finalLength, size };
}

/**
 * Shape of a payload of `length` encrypted bytes. The final segment may be empty behind full ones, as FLOE allows.
 * Nothing is authenticated by this.
 *
 * @throws WaxsealError `ERR_TRUNCATED` when no payload has that length
 */
export function shapeOfPayload(length: number, segmentLength: number, name: string): PayloadShape {
  const segments = Math.max(1, Math.ceil(length / segmentLength));
  const finalLength = length - (segments - 1) * segmentLength;
  if (segments > MAX_SEGMENTS) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `${name} has more than 2^40 segments`, { object: name });
  }
  if (finalLength < SEGMENT_OVERHEAD) {
    throw new WaxsealError('ERR_TRUNCATED', `${name} ends inside a segment`, { object: name });
  }
  const plainLength = segmentLength - SEGMENT_OVERHEAD;
  const size = (segments - 1) * plainLength + finalLength - SEGMENT_OVERHEAD;
  return { segmentLength, plainLength, segments, finalLength, size };
}

/**
 * The shape of an object whose whole length is known. With the size in the core, the length must match it; without,
 * the caller authenticates the final segment before it believes anything (SPEC section "Size").
 *
 * @throws WaxsealError `ERR_TRUNCATED`, `ERR_TRAILING_DATA`
 */
export function shapeOfObject(head: Head, objectLength: number, name: string): PayloadShape {
  return shapeOfPayloadAt(head, objectLength - head.geometry.segments, name);
}

/** As {@link shapeOfObject}, from the length of the segments alone. */
export function shapeOfPayloadAt(head: Pick<Head, 'core'>, length: number, name: string): PayloadShape {
  if (head.core.size === undefined) {
    if (length < SEGMENT_OVERHEAD) throw truncated(name);
    return shapeOfPayload(length, head.core.segmentLength, name);
  }
  const shape = shapeOfPlaintext(head.core.size, head.core.segmentLength);
  const expected = (shape.segments - 1) * shape.segmentLength + shape.finalLength;
  if (length < expected) throw truncated(name);
  if (length > expected) {
    throw new WaxsealError('ERR_TRAILING_DATA', `${name} has ${String(length - expected)} bytes after its end`, {
      object: name,
    });
  }
  return shape;
}

/** Length of the segments as the core says; undefined when it does not say the size. */
export function payloadLengthOf({ core: { size, segmentLength } }: Head): number | undefined {
  return size === undefined ? undefined : payloadLength(size, segmentLength);
}

export function truncated(name: string): WaxsealError {
  return new WaxsealError('ERR_TRUNCATED', `${name} is truncated: its end is missing`, { object: name });
}

/** Decrypts one segment and names the object where it fails. */
export function openSegment(
  state: FloeState,
  segment: Uint8Array,
  position: number,
  isFinal: boolean,
  name: string,
): Uint8Array {
  try {
    return decryptSegment(state, segment, position, isFinal);
  } catch (error) {
    if (!(error instanceof WaxsealError)) throw error;
    throw new WaxsealError(error.code, `${name}: segment ${String(position)} cannot be opened: ${error.message}`, {
      object: name,
      cause: error,
    });
  }
}
