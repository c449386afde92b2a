/** Where zeroing memory costs more than the call that leaves it out. */
const LARGE = 16 * 1024;

/**
 * Memory of its own for what is about to be written in full. It is not zeroed where that would take long: every byte must
 * be written before anybody sees it.
 */
export function allocateUnset(length: number): Uint8Array<ArrayBuffer> {
  return length < LARGE ? new Uint8Array(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

/** Joins byte strings into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Whether two public byte strings are equal. Not constant in time: for secrets use `equalSecrets` in crypto. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  if (length > SHORT) return Buffer.compare(a, b) === 0;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Up to here a loop is faster than a call into Node. */
const SHORT = 64;

/** ASCII text as bytes; labels of the format are ASCII. Other text is a TypeError: two labels must never meet. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) throw new TypeError('a label must be ASCII');
    bytes[i] = unit;
  }
  return bytes;
}

/** Whether every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

/** Big-endian integers at an offset, as everywhere in the format. */
export function readU32(bytes: Uint8Array, offset: number): number {
  if (!(offset >= 0 && offset + 4 <= bytes.length)) throw new RangeError('outside the bytes');
  // Not through a DataView, which would have to be made for every number.
  const at = (i: number): number => bytes[offset + i] as number;
  return at(0) * 0x1000000 + ((at(1) << 16) | (at(2) << 8) | at(3));
}

/** Throws RangeError for a value that is no unsigned integer of 32 bits; `DataView` alone would cut it. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new RangeError('not an unsigned 32-bit integer');
  if (!(offset >= 0 && offset + 4 <= bytes.length)) throw new RangeError('outside the bytes');
  // Not through a DataView, which would have to be made for every number; an element keeps the low 8 bits.
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Reads 8 bytes; the result may exceed 2^53, so it is a bigint. */
export function readU64(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(offset);
}

/** Throws RangeError for a value that is no unsigned integer of 64 bits, or a number past 2^53 - 1. */
export function writeU64(bytes: Uint8Array, offset: number, value: number | bigint): void {
  const exact = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : -1n;
  if (exact < 0n || exact >= 2n ** 64n) throw new RangeError('not an unsigned 64-bit integer');
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).setBigUint64(offset, exact);
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Strict base64url without padding: `undefined` for anything that `toBase64Url` would not have written
 * (other characters, padding, non-zero trailing bits), so that one value has one spelling.
 */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) return undefined;
  return new Uint8Array(bytes);
}
