import { refuseUnknownOptions } from '../../errors/index.ts';
import { announce, type EventFacts, observed } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { requirePath } from '../path-input.ts';
import type { ByteStream } from '../byte-stream.ts';
import { toWebStream } from '../input.ts';
import { type Intake, takeIn } from '../intake.ts';
import { keyList, type Keys, targetList } from '../keys-input.ts';
import { loadObject } from '../load-object.ts';
import { loadStream, plaintextOf, type StreamedSource, streamIn } from '../open-stream.ts';
import { OpenedObject } from '../opened-object.ts';
import { type DetachedObject, encryptAll, pieces, sealedChunks } from '../seal.ts';
import { type DetachedSource, isDetachedSource, type PieceSource } from '../source.ts';
import { newLike, type OpenedForReseal, openForReseal, resealFacts } from './open-for-reseal.ts';
import { RESEAL_OPTIONS, type ResealOptions, type ResealReport } from './options.ts';
import { resealFile } from './reseal-file.ts';

/**
 * Seals an object anew: new data key, new id, new payload; plaintext, context, private metadata and layout stay. It is the
 * answer to a data key that may have leaked, and to recipients who must not read what comes next. A file is replaced when
 * the new one is complete, durable and authenticated; kill it at any moment, and the old or the new one opens.
 *
 * Copies made before stay what they are: whoever holds one, and a key that opened it, still has the plaintext.
 *
 * Bytes give bytes, a stream gives a web stream, and the pieces of a detached object new pieces.
 *
 * @param path path or file URL of the sealed file (the header of a detached object); or the object as bytes, stream, or `{ header, payload }`
 * @param keys keys that can open it; by default those of them that are recipients stay recipients
 * @throws WaxsealError as `openObject` and `sealFile`, and `ERR_RECIPIENT_NOT_ALLOWED` when the object names a recipient
 * that is to be neither kept nor dropped, `ERR_LAST_RECIPIENT`, `ERR_INPUT_CHANGED`, `ERR_BUSY`; the old object is then
 * in place
 * @see SPEC.md "Reseal"
 *
 * @example
 * const { id } = await reseal('model.onnx.wax', keyring.key('default'));
 */
export function reseal(path: string | URL, keys: Keys, options?: ResealOptions): Promise<ResealReport>;
export function reseal(sealed: Uint8Array, keys: Keys, options?: ResealOptions): Promise<Uint8Array>;
export function reseal(
  sealed: DetachedSource<PieceSource, Uint8Array>,
  keys: Keys,
  options?: ResealOptions,
): Promise<DetachedObject<Uint8Array>>;
export function reseal(
  sealed: DetachedSource<PieceSource, ByteStream>,
  keys: Keys,
  options?: ResealOptions,
): Promise<DetachedObject<ReadableStream<Uint8Array>>>;
export function reseal(sealed: ByteStream, keys: Keys, options?: ResealOptions): Promise<ReadableStream<Uint8Array>>;
export async function reseal(
  subject: string | URL | Uint8Array | ByteStream | DetachedSource<PieceSource, Uint8Array | ByteStream>,
  keys: Keys,
  options: ResealOptions = {},
): Promise<
  | ResealReport
  | Uint8Array
  | ReadableStream<Uint8Array>
  | DetachedObject<Uint8Array>
  | DetachedObject<ReadableStream<Uint8Array>>
> {
  refuseUnknownOptions('reseal', options, RESEAL_OPTIONS);
  const providers = keyList(keys, 'reseal');
  if (options.recipients !== undefined) targetList(options.recipients, 'reseal: recipients');
  if (typeof subject === 'string' || subject instanceof URL) {
    return resealFile(requirePath('reseal', subject), providers, options);
  }
  const body = isDetachedSource(subject) ? subject.payload : subject;
  if (body instanceof Uint8Array) {
    return resealBytes(subject as Uint8Array | DetachedSource<PieceSource, Uint8Array>, providers, options);
  }
  const stream = streamIn(subject);
  if (stream !== undefined) {
    return takeIn(stream, options.signal, (chunks) =>
      resealStream(subject as StreamedSource, chunks, providers, options),
    );
  }
  throw new TypeError('reseal: expected the path of a sealed file, a Uint8Array, a stream, or { header, payload }');
}

interface Resealed {
  readonly result: Uint8Array | DetachedObject<Uint8Array>;
  readonly facts: EventFacts;
}

async function resealBytes(
  sealed: Uint8Array | DetachedSource<PieceSource, Uint8Array>,
  keys: readonly KeyProvider[],
  options: ResealOptions,
): Promise<Resealed['result']> {
  const work = async (): Promise<Resealed> => {
    const loaded = await loadObject(sealed, options.observe);
    try {
      const opened = await openForReseal(loaded, keys, options, loaded.header.name);
      const old = await OpenedObject.start(loaded, opened.unlocked);
      try {
        const plaintext = await old.read(0, old.size, { signal: options.signal });
        const made = await newLike(opened, plaintext.length, options);
        try {
          return { result: pieces(made, encryptAll(plaintext, made, options)), facts: resealFacts(opened) };
        } finally {
          made.state.close();
          plaintext.fill(0);
        }
      } finally {
        await old.close();
      }
    } finally {
      await loaded.close();
    }
  };
  return (await observed(options.observe, 'reseal', {}, work, ({ facts }) => facts)).result;
}

async function resealStream(
  sealed: StreamedSource,
  chunks: Intake,
  keys: readonly KeyProvider[],
  options: ResealOptions,
): Promise<ReadableStream<Uint8Array> | DetachedObject<ReadableStream<Uint8Array>>> {
  const { observe, signal, onProgress } = options;
  const announced = await announce(observe, 'reseal', {});
  let opened: OpenedForReseal | undefined;
  try {
    const streamed = await loadStream(sealed, chunks, observe);
    const { loaded } = streamed;
    opened = await openForReseal(loaded, keys, options, 'the object');
    const { size } = loaded.head.core;
    const made = await newLike(opened, size, options);
    const plaintext = plaintextOf(opened.unlocked, streamed, { signal });
    return pieces(made, toWebStream(sealedChunks(plaintext, made, { size, signal, onProgress }, announced), chunks));
  } catch (error) {
    opened?.unlocked.state.close();
    await announced.failed(error);
    throw error;
  }
}
