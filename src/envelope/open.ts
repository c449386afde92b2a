import { onAbandon } from '../bytes/index.ts';
import { measureSegment } from '../crypto/floe/frame.ts';
import { refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { observed } from '../keys/observer.ts';
import { MAX_PREFIX } from './format/limits.ts';
import {
  type ByteStream,
  type Chunks,
  collectPrefix,
  isByteStream,
  refuseInput,
  regroup,
  toWebStream,
} from './input.ts';
import type { Keys } from './keys-input.ts';
import {
  OBJECT_OPTIONS,
  OpenedObject,
  type ObjectInfo,
  type ObjectOptions,
  unlockObject,
  type UnlockedObject,
} from './opened-object.ts';
import { openSegment, truncated } from './payload.ts';
import type { OnProgress } from './progress.ts';
import { openSource, type OpenSource, type SealedSource } from './source.ts';

/** Options of {@link open}. */
export interface OpenOptions extends ObjectOptions {
  readonly onProgress?: OnProgress | undefined;
  /** Told who the object says it is and which entry opened it, before any plaintext. */
  readonly onInfo?: ((info: ObjectInfo) => void) | undefined;
}

export const OPEN_OPTIONS = [...OBJECT_OPTIONS, 'onProgress', 'onInfo'] as const;

/**
 * Opens a sealed object. Bytes give bytes, a stream gives a web stream (which Node also iterates and pipes). Plaintext
 * of a segment is given only after that segment was authenticated; a stream that ends early or was changed fails with
 * an error, never with a normal end.
 *
 * @param sealed read only; a stream is consumed
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
export function open(sealed: Uint8Array, keys: Keys, options?: OpenOptions): Promise<Uint8Array>;
export function open(sealed: ByteStream, keys: Keys, options?: OpenOptions): Promise<ReadableStream<Uint8Array>>;
export async function open(
  sealed: Uint8Array | ByteStream,
  keys: Keys,
  options: OpenOptions = {},
): Promise<Uint8Array | ReadableStream<Uint8Array>> {
  refuseUnknownOptions('open', options, OPEN_OPTIONS);
  if (sealed instanceof Uint8Array) {
    const object = await startObject(sealed, keys, options, 'open');
    try {
      return await readAll(object, options);
    } finally {
      await object.close();
    }
  }
  if (isByteStream(sealed)) return toWebStream(await openStream(sealed, keys, options));
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
export async function openObject(source: SealedSource, keys: Keys, options: ObjectOptions = {}): Promise<OpenedObject> {
  refuseUnknownOptions('openObject', options, OBJECT_OPTIONS);
  return startObject(source, keys, options, 'openObject');
}

/** Options of {@link openRange}: which plaintext bytes. */
export interface OpenRangeOptions extends ObjectOptions {
  /** First byte, included. */
  readonly start: number;
  /** Last byte, excluded; the end of the object by default, and when it lies past that. */
  readonly end?: number | undefined;
}

/**
 * Opens a range of a sealed object: only the segments that overlap it are read and decrypted.
 *
 * @throws WaxsealError as {@link openObject}, and `ERR_RANGE_NOT_SATISFIABLE` when `start` is not inside the object
 *
 * @example
 * const magic = await openRange('data.parquet.wax', keyring.key('default'), { start: 0, end: 4 });
 */
export async function openRange(source: SealedSource, keys: Keys, options: OpenRangeOptions): Promise<Uint8Array> {
  refuseUnknownOptions('openRange', options, [...OBJECT_OPTIONS, 'start', 'end']);
  const { start, end, ...rest } = options;
  const object = await startObject(source, keys, rest, 'openRange');
  try {
    return await object.read(start, end, { signal: rest.signal });
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
): Promise<OpenedObject> {
  const opened = await openSource(source);
  try {
    const unlocked = await unlockObserved(opened, keys, options, verb);
    const object = await OpenedObject.start(opened, unlocked);
    options.onInfo?.(object.info);
    return object;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function unlockObserved(
  source: Pick<OpenSource, 'name' | 'size' | 'read' | 'changes'>,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
): Promise<UnlockedObject> {
  return observed(
    options.observe,
    'open',
    { path: source.name },
    () => unlockObject(source, keys, options, verb),
    ({ info }) => ({
      objectId: info.id,
      context: info.context,
      keyUri: info.openedBy.uri,
      keyVersion: info.openedBy.version,
    }),
  );
}

async function readAll(object: OpenedObject, { signal, onProgress }: OpenOptions): Promise<Uint8Array> {
  const out = new Uint8Array(Buffer.allocUnsafeSlow(object.size).buffer);
  let doneBytes = 0;
  for await (const chunk of object.stream(0, object.size, { signal })) {
    out.set(chunk, doneBytes);
    doneBytes += chunk.length;
    onProgress?.({ doneBytes, totalBytes: object.size });
  }
  return out;
}

/**
 * Opens a stream: head and slots are collected from its beginning, then segments are authenticated as they come. The
 * head has been authenticated when this returns.
 */
export async function openStream(
  sealed: ByteStream,
  keys: Keys,
  options: OpenOptions,
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const { prefix, rest, chunks } = await collectPrefix(sealed, MAX_PREFIX);
  try {
    const source = {
      name: 'the object',
      size: prefix.length,
      changes: false,
      read: (offset: number, length: number) => Promise.resolve(prefix.subarray(offset, offset + length)),
    };
    const unlocked = await unlockObserved(source, keys, options, 'open');
    options.onInfo?.(unlocked.info);
    const beginning = [prefix.subarray(unlocked.head.geometry.segments), rest];
    return onAbandon(openedChunks(unlocked, beginning, chunks, options), async () => {
      unlocked.state.close();
      await chunks.return?.();
    });
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
}

async function* openedChunks(
  { head, state }: UnlockedObject,
  beginning: readonly Uint8Array[],
  chunks: Chunks,
  { signal, onProgress }: OpenOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const name = 'the object';
  const { size, segmentLength } = head.core;
  let doneBytes = 0;
  let position = 0;
  try {
    for await (const { bytes, last } of regroup(following(beginning, chunks), segmentLength)) {
      signal?.throwIfAborted();
      if (last && bytes.length === 0) throw truncated(name);
      if (!last && measureSegment(bytes, segmentLength).isFinal) {
        // Only an authentic final segment proves that what follows does not belong to the object.
        openSegment(state, bytes.subarray(0, measureSegment(bytes, segmentLength).length), position, true, name);
        throw new WaxsealError('ERR_TRAILING_DATA', `${name} has bytes after its end`, { object: name });
      }
      const plaintext = openSegment(state, bytes, position, last, name);
      doneBytes += plaintext.length;
      // The size in the core is authenticated, so a payload of another length was cut or spliced; an empty final
      // segment behind full ones would be one too many.
      const surplus = size !== undefined && (doneBytes > size || (last && position > 0 && plaintext.length === 0));
      if (surplus) throw new WaxsealError('ERR_TRAILING_DATA', `${name} goes on after its end`, { object: name });
      if (size !== undefined && last && doneBytes < size) throw truncated(name);
      position += 1;
      if (plaintext.length > 0) yield plaintext;
      onProgress?.({ doneBytes, totalBytes: size });
    }
  } finally {
    state.close();
  }
}

async function* following(
  beginning: readonly Uint8Array[],
  chunks: Chunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* beginning;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}
