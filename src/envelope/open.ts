import { allocateUnset } from '../bytes/index.ts';
import { refuseUnknownOptions } from '../errors/index.ts';
import type { ByteStream } from './byte-stream.ts';
import { refuseInput, toWebStream } from './input.ts';
import { takeIn } from './intake.ts';
import { rangeWithin, readRangeField } from './http-range.ts';
import type { Keys } from './keys-input.ts';
import { loadObject } from './load-object.ts';
import { openBytes } from './open-bytes.ts';
import {
  OPEN_OPTIONS,
  type OpenOptions,
  openStream,
  type StreamedSource,
  streamIn,
  unlockObserved,
} from './open-stream.ts';
import { OBJECT_OPTIONS, OpenedObject, type ObjectOptions } from './opened-object.ts';
import { DEFAULT_CACHE_BYTES } from './segment-cache.ts';
import { type DetachedSource, isDetachedSource, type PieceSource, requireSource, type SealedSource } from './source.ts';

/**
 * Opens a sealed object. Bytes give bytes, a stream gives a web stream (which Node also iterates and pipes). Plaintext
 * of a segment is given only after that segment was authenticated; a stream that ends early or was changed fails with
 * an error, never with a normal end.
 *
 * @param sealed read only; a stream is consumed. Of a detached object both pieces: `{ header, payload }`, where the
 * payload decides whether bytes or a stream come back
 * @param keys tried in this order; only they are ever used, whatever the object names
 * @returns the plaintext, which the caller owns
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_UNSUPPORTED_VERSION`, `ERR_MALFORMED`, `ERR_LIMIT_EXCEEDED`,
 * `ERR_HEADER_DAMAGED`, `ERR_TRUNCATED`, `ERR_TRAILING_DATA`, `ERR_AUTHENTICATION`, `ERR_WRONG_TYPE`,
 * `ERR_UNEXPECTED_OBJECT`, `ERR_NO_MATCHING_KEY`, `ERR_VETOED`, and what the key provider refuses with
 * @see SPEC.md "Opening"
 *
 * @example
 * const plaintext = await open(sealed, keyring.key('default'));
 */
export function open(
  sealed: Uint8Array | DetachedSource<PieceSource, Uint8Array>,
  keys: Keys,
  options?: OpenOptions,
): Promise<Uint8Array>;
export function open(
  sealed: ByteStream | DetachedSource<PieceSource, ByteStream>,
  keys: Keys,
  options?: OpenOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function open(
  sealed: Uint8Array | ByteStream | DetachedSource<PieceSource, Uint8Array | ByteStream>,
  keys: Keys,
  options: OpenOptions = {},
): Promise<Uint8Array | ReadableStream<Uint8Array>> {
  refuseUnknownOptions('open', options, OPEN_OPTIONS);
  const body = isDetachedSource(sealed) ? sealed.payload : sealed;
  if (sealed instanceof Uint8Array) return openBytes(sealed, keys, options);
  if (body instanceof Uint8Array) {
    const object = await startObject(sealed as DetachedSource, keys, options, 'open');
    try {
      return await readAll(object, options);
    } finally {
      await object.close();
    }
  }
  const stream = streamIn(sealed);
  if (stream !== undefined) {
    return takeIn(stream, options.signal, async (chunks) =>
      toWebStream(await openStream(sealed as StreamedSource, chunks, keys, options), chunks),
    );
  }
  return refuseInput('open', 'openFile');
}

/**
 * Opens a sealed object for reading anywhere in it. Close it when done.
 *
 * @param source a path, a file URL, bytes, or a {@link SealedSource} of your own
 * @throws WaxsealError as {@link open}, and `ERR_FILE_NOT_FOUND`, `ERR_NOT_A_FILE`, `ERR_IO`
 *
 * @example
 * const object = await openObject('data.parquet.wax', keyring.key('default'));
 * const footer = await object.read(object.size - 8);
 * await object.close();
 */
export async function openObject(
  source: SealedSource,
  keys: Keys,
  options: OpenObjectOptions = {},
): Promise<OpenedObject> {
  refuseUnknownOptions('openObject', options, [...OBJECT_OPTIONS, 'cacheBytes']);
  const { cacheBytes = DEFAULT_CACHE_BYTES, ...rest } = options;
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0) {
    throw new RangeError(`openObject: cacheBytes is a number of bytes, 0 for none; got ${String(cacheBytes)}`);
  }
  return startObject(source, keys, rest, 'openObject', cacheBytes);
}

/** Options of {@link openObject}. */
export interface OpenObjectOptions extends ObjectOptions {
  /**
   * How many bytes of decrypted segments are kept for reads that come back to the same place: 8 MiB by default, 0 for
   * none.
   */
  readonly cacheBytes?: number | undefined;
}

/** Options of {@link openRange}: which plaintext bytes, in one of two ways. */
export type OpenRangeOptions = ObjectOptions & (StartAndEnd | RangeField);

/** A range as `slice` has it. */
export interface StartAndEnd {
  /** First byte, included. */
  readonly start: number;
  /** Last byte, excluded; the end of the object by default, and when it lies past that. */
  readonly end?: number | undefined;
  /** Not beside `start` and `end`. */
  readonly range?: undefined;
}

/** A range as HTTP has it. */
export interface RangeField {
  /** `bytes=0-499` (both included), `bytes=500-`, or `bytes=-500` for the last 500: one range of RFC 9110, section 14. */
  readonly range: string;
  /** Not beside `range`. */
  readonly start?: undefined;
  /** Not beside `range`. */
  readonly end?: undefined;
}

/**
 * Opens a range of a sealed object: only the segments that overlap it are read and decrypted. An HTTP server, which also
 * says which bytes it gives, takes {@link openObject} and {@link parseRange}.
 *
 * @throws WaxsealError as {@link openObject}, and `ERR_RANGE_NOT_SATISFIABLE` when the range begins past the end of the
 * object. TypeError for both ways or none, and for a `range` that is not one valid range of bytes
 *
 * @example
 * const magic = await openRange('data.parquet.wax', keyring.key('default'), { start: 0, end: 4 });
 * const footer = await openRange('data.parquet.wax', keyring.key('default'), { range: 'bytes=-8' });
 */
export async function openRange(source: SealedSource, keys: Keys, options: OpenRangeOptions): Promise<Uint8Array> {
  refuseUnknownOptions('openRange', options, [...OBJECT_OPTIONS, 'start', 'end', 'range']);
  const { start, end, range, ...rest } = options;
  const asked = range === undefined ? undefined : readRangeField(range);
  const isSlice = Object.values({ start, end }).some((offset) => offset !== undefined);
  if (isSlice === (range !== undefined)) throw new TypeError('openRange: say either start and end, or range');
  if (range !== undefined && asked === undefined) {
    // An HTTP server may answer such a field with everything. Who asks for a range here did not ask for that.
    throw new TypeError(`openRange: range is bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH, not "${range}"`);
  }
  const object = await startObject(source, keys, rest, 'openRange');
  try {
    const wanted = asked === undefined ? { start, end } : rangeWithin(asked, object.size, object.name);
    return await object.read(wanted.start as number, wanted.end, { signal: rest.signal });
  } finally {
    await object.close();
  }
}

/** Opens the source, unlocks it (watched as `open`), and checks where its end is. */
export async function startObject(
  source: SealedSource,
  keys: Keys,
  options: OpenOptions,
  verb: string,
  cacheBytes = 0,
): Promise<OpenedObject> {
  requireSource(verb, source);
  const loaded = await loadObject(source, options.observe);
  try {
    const unlocked = await unlockObserved(loaded, loaded.header.name, keys, options, verb);
    const object = await OpenedObject.start(loaded, unlocked, cacheBytes);
    try {
      options.onInfo?.(object.info);
      return object;
    } catch (error) {
      await object.close();
      throw error;
    }
  } catch (error) {
    await loaded.close();
    throw error;
  }
}

async function readAll(object: OpenedObject, { signal, onProgress }: OpenOptions): Promise<Uint8Array> {
  let out: Uint8Array | undefined;
  let doneBytes = 0;
  for await (const chunk of object.stream(0, object.size, { signal })) {
    if (chunk.length === object.size) {
      // A short object is one chunk, and the chunk is ours.
      onProgress?.({ doneBytes: chunk.length, totalBytes: object.size });
      return chunk;
    }
    out ??= allocateUnset(object.size);
    out.set(chunk, doneBytes);
    doneBytes += chunk.length;
    onProgress?.({ doneBytes, totalBytes: object.size });
  }
  return out ?? new Uint8Array(0);
}
