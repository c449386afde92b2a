import { types } from 'node:util';
import { KEY_LENGTH, MAX_SEGMENTS, requireInteger } from './params.ts';

/** Throws TypeError unless `value` is a `Uint8Array` (a `Buffer` is one), of this or another realm. */
export function requireBytes(name: string, value: Uint8Array): void {
  if (!types.isUint8Array(value)) throw new TypeError(`${name} must be a Uint8Array`);
}

/** Throws TypeError unless `key` is a `Uint8Array`, RangeError unless it has 32 bytes. */
export function requireKey(key: Uint8Array): void {
  requireBytes('key', key);
  if (key.length !== KEY_LENGTH) throw new RangeError(`key must have ${KEY_LENGTH} bytes`);
}

/**
 * Throws unless a segment may stand at `position`. The last position is for a final segment only, as the vectors'
 * implementations have it (`AEAD_MAX_SEGMENTS - 1` in `encryptOnlineSegment`): a message always has room for its end.
 */
export function requirePosition(position: number, isFinal: boolean): void {
  if (typeof isFinal !== 'boolean') throw new TypeError('isFinal must be a boolean');
  requireInteger('position', position, 0, isFinal ? MAX_SEGMENTS - 1 : MAX_SEGMENTS - 2);
}
