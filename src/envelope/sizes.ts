import { refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { SEGMENT_OVERHEAD } from '../crypto/floe/params.ts';
import { DEFAULT_SEGMENT, ID_LENGTH, PAGE } from './format/limits.ts';
import { newCore, type ObjectShape, payloadOffset } from './new-object.ts';
import { payloadLength, shapeOfPayload } from './payload.ts';

/** What decides how large the head is: give the same options as to `seal`. */
export interface SizeOptions extends ObjectShape {
  /** Whether the object carries its size, as it does unless a stream of unknown length was sealed. */
  readonly sizeKnown?: boolean | undefined;
  /** Compact: bytes of the encoded recipient list, as `inspect` tells of an object with the same recipients. */
  readonly recipientsLength?: number | undefined;
}

const SIZE_OPTIONS = [
  'context',
  'metadata',
  'segmentLength',
  'layout',
  'slotSize',
  'sizeKnown',
  'recipientsLength',
] as const;

/**
 * Exact length in bytes of the sealed object that `seal` makes of `plaintextSize` bytes with these options. The slots
 * are taken as 4 KiB, as they are up to about ten local keys; give `slotSize` otherwise. Of a detached object, the length
of its payload.
 *
 * @example
 * sealedSize(40 * 2 ** 30); // how much room a 40 GiB checkpoint takes
 */
export function sealedSize(plaintextSize: number, options: SizeOptions = {}): number {
  refuseUnknownOptions('sealedSize', options, SIZE_OPTIONS);
  requireSize('plaintextSize', plaintextSize);
  return headSize(plaintextSize, options) + payloadLength(plaintextSize, options.segmentLength ?? DEFAULT_SEGMENT);
}

/**
 * The reverse of {@link sealedSize}: plaintext bytes of a sealed object of this length. Arithmetic on a length that
 * nobody has authenticated: for planning, not for trusting.
 *
 * @throws WaxsealError `ERR_TRUNCATED` when no object made with these options has that length
 *
 * @example
 * plaintextSize(sealedSize(1_000_000)); // 1_000_000
 */
export function plaintextSize(sealedLength: number, options: SizeOptions = {}): number {
  refuseUnknownOptions('plaintextSize', options, SIZE_OPTIONS);
  requireSize('sealedSize', sealedLength);
  const segmentLength = options.segmentLength ?? DEFAULT_SEGMENT;
  // The head grows with the length of the size's own encoding, by at most eight bytes: rarely into another page.
  for (const guess of [0, 24, 2 ** 8, 2 ** 16, 2 ** 32]) {
    const payload = sealedLength - headSize(guess, options);
    if (payload < SEGMENT_OVERHEAD) break;
    // A guess that is some bytes off may end inside a segment, where the right one does not.
    if (payload % segmentLength > 0 && payload % segmentLength < SEGMENT_OVERHEAD) continue;
    const { size } = shapeOfPayload(payload, segmentLength, 'the object');
    if (sealedSize(size, options) === sealedLength) return size;
  }
  throw new WaxsealError('ERR_TRUNCATED', `no sealed object with these options has ${String(sealedLength)} bytes`);
}

function headSize(size: number, options: SizeOptions): number {
  const { sizeKnown = true, recipientsLength, ...shape } = options;
  if (shape.layout === 'compact' && recipientsLength === undefined) {
    throw new TypeError('sizes of compact objects need recipientsLength: inspect tells it');
  }
  const recipientsSize = shape.layout === 'compact' ? recipientsLength : shape.slotSize;
  return payloadOffset(
    newCore(shape, sizeKnown ? size : undefined, new Uint8Array(ID_LENGTH)),
    shape,
    recipientsSize ?? PAGE,
  );
}

function requireSize(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a number of bytes`);
}
