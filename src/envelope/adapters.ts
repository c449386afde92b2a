import { refuseUnknownOptions } from '../errors/index.ts';
import { toWebStream } from './input.ts';
import type { OpenedObject } from './opened-object.ts';

/** The reading side of a web `Blob`. It has its members and their meaning, and is no instance of the class. */
export interface SealedBlob {
  /** Plaintext bytes. */
  readonly size: number;
  /** Media type in lower case, empty when none was given. */
  readonly type: string;
  /** A part, as `Blob.slice` has it: negative offsets count from the end, and nothing is read. */
  slice(start?: number, end?: number, type?: string): SealedBlob;
  /** All bytes; the caller owns the buffer. */
  arrayBuffer(): Promise<ArrayBuffer>;
  /** All bytes; the caller owns them. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** All bytes as UTF-8. */
  text(): Promise<string>;
  /** The bytes as they are asked for. */
  stream(): ReadableStream<Uint8Array>;
}

/** Options of {@link asBlob}. */
export interface BlobOptions {
  /** Media type of the plaintext. */
  readonly type?: string | undefined;
}

/**
 * A sealed object for what takes a `Blob` and uses its members. Nothing is read before it is asked for, and then only
 * the segments that overlap. It is usable until the object is closed, which stays the caller's to do.
 *
 * @param object read through {@link OpenedObject.read} and {@link OpenedObject.stream}, and fails as they do
 * @see W3C File API, section 3, "The Blob Interface"
 *
 * @example
 * const object = await openObject('labels.json.wax', keyring.key('default'));
 * const blob = asBlob(object, { type: 'application/json' });
 * const lastLine = await blob.slice(-80).text();
 */
export function asBlob(object: OpenedObject, options: BlobOptions = {}): SealedBlob {
  refuseUnknownOptions('asBlob', options, ['type']);
  const { type = '' } = options;
  return blobOf(object, 0, object.size, type);
}

function blobOf(object: OpenedObject, start: number, end: number, type: string): SealedBlob {
  const bytes = (): Promise<Uint8Array<ArrayBuffer>> => object.read(start, end);
  return {
    size: end - start,
    // As the File API has it: a type with anything but printable ASCII is none.
    type: /^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : '',
    slice(from, to, sliceType = '') {
      const [first, last] = sliceOf(end - start, from, to);
      return blobOf(object, start + first, start + last, sliceType);
    },
    bytes,
    arrayBuffer: async () => (await bytes()).buffer,
    text: async () => new TextDecoder().decode(await bytes()),
    stream: () => toWebStream(object.stream(start, end)),
  };
}

/** What hyparquet, and whatever else has adopted its interface, reads files through. */
export interface AsyncBuffer {
  /** Plaintext bytes. */
  readonly byteLength: number;
  /** Some bytes, with offsets as in `ArrayBuffer.slice`; the caller owns the buffer. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/**
 * A sealed object as the file of a Parquet reader: `parquetRead({ file: asAsyncBuffer(object) })` of hyparquet reads the
 * columns and row groups that it is asked for, and of the sealed object only the segments in which they lie. It is
 * usable until the object is closed, which stays the caller's to do.
 *
 * @param object read through {@link OpenedObject.read}, and fails as that does
 *
 * @example
 * const object = await openObject('flights.parquet.wax', keyring.key('default'));
 * const file = asAsyncBuffer(object);
 * const footer = await file.slice(-8);
 */
export function asAsyncBuffer(object: OpenedObject): AsyncBuffer {
  return {
    byteLength: object.size,
    slice: async (start, end) => (await object.read(...sliceOf(object.size, start, end))).buffer,
  };
}

/** Start and end of a slice within `size` bytes: negative offsets count from the end, and nothing lies outside. */
function sliceOf(size: number, start = 0, end = size): [number, number] {
  const within = (offset: number): number => {
    // As the language has it: NaN is 0, and fractions are cut off.
    const whole = Number.isNaN(offset) ? 0 : Math.trunc(offset);
    return whole < 0 ? Math.max(0, size + whole) : Math.min(whole, size);
  };
  const first = within(start);
  return [first, Math.max(first, within(end))];
}
