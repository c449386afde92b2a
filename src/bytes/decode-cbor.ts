import { isUtf8 } from 'node:buffer';
import type { CborValue } from './encode-cbor.ts';

/** How many arrays and maps may stand around a value. */
const MAX_DEPTH = 8;

/** Major types of RFC 8949 section 3.1, as the upper three bits of the first byte. */
const UNSIGNED = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const SIMPLE = 7;
const FALSE = 20;
const TRUE = 21;

/**
 * Decodes one value of deterministic CBOR (RFC 8949 section 4.2.1) and nothing else. Everything that has another form
 * than `encodeCbor` gives it is refused while it is read, so that nothing needs to be encoded again: longer heads than
 * necessary, indefinite lengths, maps out of order or with a key twice, bad UTF-8, types that the format does not use.
 * Lengths are compared with what is left before anything is allocated.
 *
 * @param bytes read only; byte strings are copied out of it
 * @returns the value, and the offset behind it
 * @throws RangeError, TypeError
 */
export function decodeCbor(bytes: Uint8Array): { readonly value: CborValue; readonly end: number } {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  return { value, end: reader.at };
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** `depth` arrays and maps stand around the value. */
  value(depth: number): CborValue {
    if (depth > MAX_DEPTH) throw new RangeError('nested too deeply');
    const first = this.#byte();
    const major = first >> 5;
    const info = first & 0x1f;
    if (major === UNSIGNED) return this.#argument(info);
    if (major === BYTES) {
      const start = this.#skip(this.#argument(info));
      // A copy, and not a Buffer, whose own `slice` would not copy.
      return new Uint8Array(this.#bytes.subarray(start, this.at));
    }
    if (major === TEXT) return this.#text(info);
    if (major === ARRAY) return this.#array(info, depth);
    if (major === MAP) return this.#map(info, depth);
    if (major === SIMPLE && (info === FALSE || info === TRUE)) return info === TRUE;
    throw new TypeError('a type that the format does not use');
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new RangeError('it ends too early');
    this.at += 1;
    return byte;
  }

  /** The number in a head (RFC 8949 section 3); only its shortest form. */
  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw new RangeError('an indefinite length');
    const start = this.#skip(2 ** (info - 24));
    if (info === 27) {
      const long = this.#bytes.readBigUInt64BE(start);
      if (long < 0x1_0000_0000n) throw notShortest();
      return long > BigInt(Number.MAX_SAFE_INTEGER) ? long : Number(long);
    }
    const number = this.#bytes.readUIntBE(start, this.at - start);
    if (number < (info === 24 ? 24 : info === 25 ? 0x100 : 0x1_0000)) throw notShortest();
    return number;
  }

  /** Steps over so many bytes, which must be there, and gives where they begin. */
  #skip(length: number | bigint): number {
    if (length > this.#bytes.length - this.at) throw new RangeError('it ends too early');
    const start = this.at;
    this.at += Number(length);
    return start;
  }

  #text(info: number): string {
    const start = this.#skip(this.#argument(info));
    // Neither drops a leading U+FEFF, as a TextDecoder does unless told otherwise.
    if (!isUtf8(this.#bytes.subarray(start, this.at))) throw new TypeError('text that is not UTF-8');
    return this.#bytes.toString('utf8', start, this.at);
  }

  #array(info: number, depth: number): CborValue[] {
    const count = this.#count(info, 1);
    const items: CborValue[] = [];
    for (let i = 0; i < count; i += 1) items.push(this.value(depth + 1));
    return items;
  }

  /** Keys stand in the order of their encoded bytes, each once. */
  #map(info: number, depth: number): Map<number | string, CborValue> {
    const count = this.#count(info, 2);
    const entries = new Map<number | string, CborValue>();
    let last: Buffer | undefined;
    for (let i = 0; i < count; i += 1) {
      const start = this.at;
      const key = this.value(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'string') {
        throw new TypeError('a map key is neither text nor an unsigned integer');
      }
      const encoded = this.#bytes.subarray(start, this.at);
      if (last !== undefined && last.compare(encoded) >= 0) throw new RangeError('map keys out of order');
      last = encoded;
      entries.set(key, this.value(depth + 1));
    }
    return entries;
  }

  /** How many items follow; each has at least `least` bytes. */
  #count(info: number, least: number): number {
    const count = this.#argument(info);
    if (count > (this.#bytes.length - this.at) / least) throw new RangeError('it ends too early');
    return Number(count);
  }
}

function notShortest(): RangeError {
  return new RangeError('a longer form than necessary');
}
