import { readU32 } from '../../bytes/index.ts';
import { INTERNAL_MARKER, SEGMENT_OVERHEAD } from './params.ts';
import { authenticationFailed, malformed, trailingData, truncated } from './refusals.ts';

/**
 * Bytes of the segment that begins with these bytes, and whether it is the final one, by its marker.
 *
 * @param start at least 4 bytes
 * @throws WaxsealError `ERR_MALFORMED` when the marker is no possible length
 */
export function measureSegment(start: Uint8Array, segmentLength: number): { length: number; isFinal: boolean } {
  const marker = readU32(start, 0);
  if (marker === INTERNAL_MARKER) return { length: segmentLength, isFinal: false };
  if (marker < SEGMENT_OVERHEAD || marker > segmentLength) {
    throw malformed('a segment says that it has a length that no segment can have');
  }
  return { length: marker, isFinal: true };
}

/**
 * The length and marker checks of `decryptSegment`, before anything is decrypted. AES-GCM does not cover the marker, so
 * without them a changed marker would pass where the caller knows the place of the segment from elsewhere.
 *
 * @throws WaxsealError as `decryptSegment` says
 */
export function checkFrame(segment: Uint8Array, segmentLength: number, isFinal: boolean): void {
  if (segment.length < SEGMENT_OVERHEAD || (!isFinal && segment.length < segmentLength)) {
    throw truncated('inside a segment');
  }
  if (segment.length > segmentLength) throw trailingData('a segment');
  const measured = measureSegment(segment, segmentLength);
  if (!isFinal) {
    if (measured.isFinal) throw authenticationFailed();
    return;
  }
  if (!measured.isFinal) throw truncated('without a final segment');
  if (segment.length < measured.length) throw truncated('inside the final segment');
  if (segment.length > measured.length) throw trailingData('the final segment');
}
