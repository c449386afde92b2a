import { allocateUnset, concat, onAbandon } from '../bytes/index.ts';
import { encryptParts } from '../crypto/floe/segment-cipher.ts';
import { encryptSegmentParts } from '../crypto/floe/segments.ts';
import { refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { announce, type Announced, observed } from '../keys/observer.ts';
import { type ByteStream, isByteStream } from './byte-stream.ts';
import { refuseInput, regroup, toWebStream } from './input.ts';
import { type Chunks, takeIn } from './intake.ts';
import { type Keys, type MasterKey, targetList } from './keys-input.ts';
import { type NewObject, newObject, newObjectAtOnce, type NewObjectOptions } from './new-object.ts';
import { payloadLength, shapeOfPlaintext } from './payload.ts';
import type { OnProgress } from './progress.ts';

/** A detached object: its header, and its payload, which no rewrap ever touches. */
export interface DetachedObject<Payload> {
  /** Small, and replaced whole by a rewrap; `.wax` by convention. */
  readonly header: Uint8Array;
  /** `.floe` by convention. */
  readonly payload: Payload;
}

/** Options of {@link seal}. */
export interface SealOptions extends NewObjectOptions {
  /**
   * Plaintext bytes of a stream, when known. It is written into the object, and a stream that turns out longer or
   * shorter fails with `ERR_SIZE_MISMATCH`.
   */
  readonly size?: number | undefined;
  /** Called as the payload goes by. */
  readonly onProgress?: OnProgress | undefined;
}

export const SEAL_OPTIONS = [
  'context',
  'metadata',
  'segmentLength',
  'layout',
  'slotSize',
  'size',
  'observe',
  'signal',
  'onProgress',
] as const;

/**
 * Seals bytes or a stream to one or more keys: a fresh data key encrypts the payload (FLOE), the keys wrap the data
 * key. Bytes give bytes, a stream gives a web stream (which Node also iterates and pipes). Memory stays flat for
 * streams.
 *
 * @param plaintext read only; a stream is consumed
 * @param keys every one of them will be able to open the object
 * @returns the sealed object, which the caller owns; with `layout: 'detached'` its two pieces
 * @throws WaxsealError what the key provider refuses with; `ERR_UNVERIFIED_WRAP`, `ERR_SIZE_MISMATCH`, `ERR_VETOED`.
 * TypeError and RangeError for misuse; the signal's reason when aborted
 * @see SPEC.md "Sealing"
 *
 * @example
 * const sealed = await seal(new TextEncoder().encode('weights'), keyring.key('default'));
 */
export function seal(
  plaintext: Uint8Array,
  keys: Keys,
  options: SealOptions & { readonly layout: 'detached' },
): Promise<DetachedObject<Uint8Array>>;
export function seal(
  plaintext: ByteStream,
  keys: Keys,
  options: SealOptions & { readonly layout: 'detached' },
): Promise<DetachedObject<ReadableStream<Uint8Array>>>;
export function seal(plaintext: Uint8Array, keys: Keys, options?: WholeSealOptions): Promise<Uint8Array>;
export function seal(
  plaintext: ByteStream,
  keys: Keys,
  options?: WholeSealOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function seal(
  plaintext: Uint8Array | ByteStream,
  keys: Keys,
  options: SealOptions = {},
): Promise<Sealed<Uint8Array> | Sealed<ReadableStream<Uint8Array>>> {
  refuseUnknownOptions('seal', options, SEAL_OPTIONS);
  const providers = targetList(keys, 'seal');
  if (plaintext instanceof Uint8Array) return sealBytes(plaintext, providers, options);
  if (isByteStream(plaintext)) {
    return takeIn(plaintext, options.signal, async (source) => {
      const announced = await announce(options.observe, 'seal', { context: options.context, bytes: options.size });
      try {
        const object = await newObject(providers, options);
        return pieces(object, toWebStream(sealedChunks(source, object, options, announced), source));
      } catch (error) {
        await announced.failed(error);
        throw error;
      }
    });
  }
  return refuseInput('seal', 'sealFile');
}

/** Options for the layouts that are one piece. */
export type WholeSealOptions = SealOptions & {
  /** Where the parts stand; `attached` by default. */
  readonly layout?: 'attached' | 'compact' | undefined;
};

type Sealed<Body> = Body | DetachedObject<Body>;

/** What is handed out: the body, or header and payload of a detached object. */
export function pieces<Body>({ header }: NewObject, body: Body): Sealed<Body> {
  return header === undefined ? body : { header, payload: body };
}

async function sealBytes(
  plaintext: Uint8Array,
  keys: readonly MasterKey[],
  options: SealOptions,
): Promise<Sealed<Uint8Array>> {
  const size = plaintext.length;
  if (options.size !== undefined && options.size !== size) throw sizeMismatch(options.size, size);
  const sealed = await observed(
    options.observe,
    'seal',
    { context: options.context, bytes: size },
    () =>
      newObjectAtOnce(keys, { ...options, size }, (object, iv) => {
        try {
          return { id: object.id, result: pieces(object, encryptAll(plaintext, object, options, iv)) };
        } finally {
          object.state.close();
        }
      }),
    ({ id }) => ({ objectId: id }),
  );
  return sealed.result;
}

/** `firstIv`: for the first segment, if it was drawn in this very step; see {@link newObjectAtOnce}. */
export function encryptAll(
  plaintext: Uint8Array,
  object: NewObject,
  { signal, onProgress }: Pick<SealOptions, 'signal' | 'onProgress'>,
  firstIv?: Uint8Array,
): Uint8Array {
  const { prefix, segmentLength, state } = object;
  const size = plaintext.length;
  const { plainLength, segments } = shapeOfPlaintext(size, segmentLength);
  const out = allocateUnset(prefix.length + payloadLength(size, segmentLength));
  out.set(prefix);
  let offset = prefix.length;
  for (let position = 0; position < segments; position += 1) {
    signal?.throwIfAborted();
    const from = position * plainLength;
    const piece = plaintext.subarray(from, from + plainLength);
    const iv = position === 0 ? firstIv : undefined;
    const parts = encryptParts(state, piece, position, position === segments - 1, iv);
    for (const part of [parts.prefix, parts.ciphertext, parts.tag]) {
      out.set(part, offset);
      offset += part.length;
    }
    onProgress?.({ doneBytes: from + piece.length, totalBytes: size });
  }
  return out;
}

/** The sealed bytes of a stream, chunk by chunk. Closes state and source, also when the consumer breaks off. */
export function sealedChunks(
  source: Chunks,
  object: NewObject,
  options: Pick<SealOptions, 'size' | 'signal' | 'onProgress'>,
  announced: Announced,
): AsyncGenerator<Uint8Array, void, undefined> {
  return onAbandon(encryptStream(source, object, options, announced), async () => {
    object.state.close();
    await announced.failed(undefined);
    await source.return();
  });
}

async function* encryptStream(
  source: Chunks,
  object: NewObject,
  { size, signal, onProgress }: Pick<SealOptions, 'size' | 'signal' | 'onProgress'>,
  announced: Announced,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { state, segmentLength } = object;
  const { plainLength } = shapeOfPlaintext(0, segmentLength);
  try {
    yield object.prefix;
    let done = 0;
    let position = 0;
    // A ciphertext is never copied: between two of them go the tag of the one and the prefix of the other.
    let tag: Uint8Array = new Uint8Array(0);
    for await (const { bytes, last } of regroup(source, plainLength)) {
      signal?.throwIfAborted();
      done += bytes.length;
      if (size !== undefined && (done > size || (last && done < size))) throw sizeMismatch(size, done);
      const segment = encryptSegmentParts(state, bytes, position, last);
      yield concat(tag, segment.prefix);
      if (segment.ciphertext.length > 0) yield segment.ciphertext;
      tag = segment.tag;
      position += 1;
      onProgress?.({ doneBytes: done, totalBytes: size });
    }
    yield tag;
    await announced.done({ objectId: object.id, bytes: done });
  } catch (error) {
    await announced.failed(error);
    throw error;
  } finally {
    state.close();
    await announced.failed(undefined);
    // A reader that leaves after the head has never asked the source for anything: it does not know yet.
    await source.return();
  }
}

function sizeMismatch(promised: number, actual: number): WaxsealError {
  const how = actual > promised ? 'longer' : 'shorter';
  return new WaxsealError(
    'ERR_SIZE_MISMATCH',
    `the plaintext is ${how} than promised: ${String(promised)} bytes were announced, ${String(actual)} or more came`,
  );
}
