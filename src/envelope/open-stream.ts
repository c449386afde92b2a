import { onAbandon } from '../bytes/index.ts';
import { measureSegment } from '../crypto/floe/frame.ts';
import { WaxsealError } from '../errors/index.ts';
import { type Observe, observed } from '../keys/observer.ts';
import { noPayload } from './detached.ts';
import { FLOE_HEADER_LENGTH, MAX_PREFIX } from './format/limits.ts';
import { type ByteStream, isByteStream } from './byte-stream.ts';
import { collectPrefix, following, regroup } from './input.ts';
import type { Chunks, Intake } from './intake.ts';
import type { Keys } from './keys-input.ts';
import { load, type Loaded } from './load.ts';
import { loadObject } from './load-object.ts';
import {
  OBJECT_OPTIONS,
  type ObjectInfo,
  type ObjectOptions,
  unlockObject,
  type UnlockedObject,
} from './opened-object.ts';
import { openSegment, truncated } from './payload.ts';
import type { OnProgress } from './progress.ts';
import { bytesSource, type DetachedSource, isDetachedSource, type OpenSource, type PieceSource } from './source.ts';

/** Options of {@link open}. */
export interface OpenOptions extends ObjectOptions {
  /** Called as the payload goes by. */
  readonly onProgress?: OnProgress | undefined;
  /** Told who the object says it is and which entry opened it, before any plaintext. */
  readonly onInfo?: ((info: ObjectInfo) => void) | undefined;
}

export const OPEN_OPTIONS = [...OBJECT_OPTIONS, 'onProgress', 'onInfo'] as const;

/** How messages name what has no name. */
const NAME = 'the object';

/** Unlocks an object, watched as `open`. */
export function unlockObserved(
  loaded: Loaded,
  name: string,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
): Promise<UnlockedObject> {
  return observed(
    options.observe,
    'open',
    { path: name },
    () => unlockObject(loaded, name, keys, options, verb),
    ({ info }) => ({
      objectId: info.id,
      context: info.context,
      keyUri: info.openedBy.uri,
      keyVersion: info.openedBy.version,
    }),
  );
}

/** A stream of which an object, or the payload of a detached one, comes. */
export type StreamedSource = ByteStream | DetachedSource<PieceSource, ByteStream>;

/** What of a source is a stream; undefined where nothing is. */
export function streamIn(source: unknown): ByteStream | undefined {
  const body: unknown = isDetachedSource(source as StreamedSource) ? (source as DetachedSource).payload : source;
  return isByteStream(body) ? body : undefined;
}

/**
 * Opens a stream: head and slots are collected from its beginning, then segments are authenticated as they come. The
 * head has been authenticated when this returns.
 *
 * @param chunks what was taken in of `sealed`; ended by the one who took it in when this fails
 */
export async function openStream(
  sealed: StreamedSource,
  chunks: Intake,
  keys: Keys,
  options: OpenOptions,
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const streamed = await loadStream(sealed, chunks, options.observe);
  const unlocked = await unlockObserved(streamed.loaded, NAME, keys, options, 'open');
  const plaintext = plaintextOf(unlocked, streamed, options);
  try {
    options.onInfo?.(unlocked.info);
    return plaintext;
  } catch (error) {
    await plaintext.return();
    throw error;
  }
}

/** The head of an object of which (at least) the payload comes as a stream. */
export interface LoadedStream {
  readonly loaded: Loaded;
  /** What the head was read from: the beginning of the stream, or a header of its own. */
  readonly header: OpenSource;
  /** What was read of the segments on the way. */
  readonly segments: Uint8Array;
  readonly rest: Uint8Array;
  readonly chunks: Intake;
}

/**
 * Reads the head from the beginning of a stream, or from its own source, and the FLOE header from the payload.
 *
 * @throws WaxsealError as `load`, and `ERR_PAYLOAD_NOT_FOUND`, `ERR_AUTHENTICATION` (not its payload)
 */
export async function loadStream(
  sealed: StreamedSource,
  chunks: Intake,
  observe: Observe | undefined,
): Promise<LoadedStream> {
  if (!isDetachedSource(sealed)) {
    const { prefix, rest } = await collectPrefix(chunks, MAX_PREFIX);
    const header = bytesSource(prefix, NAME);
    const loaded = await load(header, observe);
    if (loaded.head.geometry.layout === 'detached') throw noPayload(NAME);
    return { loaded, header, segments: prefix.subarray(loaded.head.geometry.segments), rest, chunks };
  }
  const { prefix, rest } = await collectPrefix(chunks, FLOE_HEADER_LENGTH);
  const loaded = await loadObject({ header: sealed.header, payload: bytesSource(prefix, 'the payload') }, observe);
  await loaded.close();
  return { loaded, header: loaded.header, segments: new Uint8Array(0), rest, chunks };
}

/** Authenticates and decrypts a payload as it comes; closes state and stream in the end, also when it is never begun. */
export function plaintextOf(
  unlocked: UnlockedObject,
  { segments, rest, chunks }: LoadedStream,
  options: Pick<OpenOptions, 'signal' | 'onProgress'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  return onAbandon(openedChunks(unlocked, [segments, rest], chunks, options), async () => {
    unlocked.state.close();
    await chunks.return();
  });
}

async function* openedChunks(
  { head, state }: UnlockedObject,
  beginning: readonly Uint8Array[],
  chunks: Chunks,
  { signal, onProgress }: OpenOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const name = NAME;
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
    await chunks.return();
  }
}
