/** What the format's CBOR may hold: unsigned integers, text, byte strings, arrays, maps, booleans. */
export type CborValue = number | bigint | string | boolean | Uint8Array | readonly CborValue[] | CborMap;
export type CborMap = ReadonlyMap<number | string, CborValue>;

/** Major types of RFC 8949 section 3.1, in their place in the first byte. */
const UNSIGNED = 0x00;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const MAP = 0xa0;
const FALSE = 0xf4;
const TRUE = 0xf5;

/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): the shortest head for every length and number, nothing indefinite, map
 * keys in the order of their encoded bytes.
 *
 * @returns memory of its own, which the caller owns
 * @throws RangeError for a number that is no unsigned integer of 64 bits; TypeError for what the format does not use
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const length = cborLength(value);
  // In use already where keys are encoded to be sorted.
  const out = isScratchFree && length <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(length);
  isScratchFree = false;
  try {
    write(out, 0, value);
  } finally {
    isScratchFree = out === SCRATCH;
  }
  return new Uint8Array(out.subarray(0, length));
}

/** Where values are written, to be copied: it saves an `ArrayBuffer` with a `Buffer` around it for each of them. */
const SCRATCH = Buffer.allocUnsafeSlow(4096);
let isScratchFree = true;

/** How many bytes {@link encodeCbor} makes of a value. */
export function cborLength(value: CborValue): number {
  if (typeof value === 'number' || typeof value === 'bigint') return headSize(value);
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'string') {
    const length = Buffer.byteLength(value);
    return headSize(length) + length;
  }
  if (value instanceof Uint8Array) return headSize(value.length) + value.length;
  if (isMap(value)) {
    let size = headSize(value.size);
    for (const [key, item] of value) size += keySize(key) + cborLength(item);
    return size;
  }
  if (!Array.isArray(value)) throw new TypeError('a type that the format does not use');
  let size = headSize(value.length);
  for (const item of value as readonly CborValue[]) size += cborLength(item);
  return size;
}

/** Types are not there at run time: another key would be written, and refused by every reader. */
function keySize(key: unknown): number {
  if (typeof key === 'number' || typeof key === 'string') return cborLength(key);
  throw new TypeError('a map key is neither text nor an unsigned integer');
}

function headSize(argument: number | bigint): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x1_0000) return 3;
  return argument < 0x1_0000_0000 ? 5 : 9;
}

/** Writes a value and gives the offset behind it. */
function write(out: Buffer, at: number, value: CborValue): number {
  if (typeof value === 'number' || typeof value === 'bigint') return writeHead(out, at, UNSIGNED, value);
  if (typeof value === 'boolean') return out.writeUInt8(value ? TRUE : FALSE, at);
  if (typeof value === 'string') {
    const start = writeHead(out, at, TEXT, Buffer.byteLength(value));
    return start + out.write(value, start);
  }
  if (value instanceof Uint8Array) {
    const start = writeHead(out, at, BYTES, value.length);
    out.set(value, start);
    return start + value.length;
  }
  let end: number;
  if (isMap(value)) {
    end = writeHead(out, at, MAP, value.size);
    for (const [key, item] of inOrder(value)) end = write(out, write(out, end, key), item);
    return end;
  }
  end = writeHead(out, at, ARRAY, value.length);
  for (const item of value) end = write(out, end, item);
  return end;
}

function writeHead(out: Buffer, at: number, major: number, argument: number | bigint): number {
  if (typeof argument === 'number' && (!Number.isSafeInteger(argument) || argument < 0 || Object.is(argument, -0))) {
    throw new RangeError('not an unsigned integer');
  }
  if (argument < 24) return out.writeUInt8(major | Number(argument), at);
  if (argument < 0x100) return out.writeUInt8(Number(argument), out.writeUInt8(major | 24, at));
  if (argument < 0x1_0000) return out.writeUInt16BE(Number(argument), out.writeUInt8(major | 25, at));
  if (argument < 0x1_0000_0000) return out.writeUInt32BE(Number(argument), out.writeUInt8(major | 26, at));
  return out.writeBigUInt64BE(BigInt(argument), out.writeUInt8(major | 27, at));
}

/** The entries in the order of their encoded keys. The maps of the format mostly have small numbers, and in order. */
function inOrder(map: CborMap): Iterable<readonly [number | string, CborValue]> {
  let last = -1;
  for (const key of map.keys()) {
    if (typeof key !== 'number' || key <= last) return sorted(map);
    last = key;
  }
  return map;
}

function sorted(map: CborMap): (readonly [number | string, CborValue])[] {
  return [...map]
    .map(([key, item]) => ({ bytes: encodeCbor(key), entry: [key, item] as const }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry);
}

function isMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}
