import { concat } from '../../bytes/index.ts';
import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { isSteady, noValidList, slotsByPreference } from '../choose-slot.ts';
import { type Head, type HeadParts, isAttached } from '../format/head.ts';
import { OBJECT_TYPE } from '../format/limits.ts';
import { typeName } from '../opened-object.ts';
import { type Layout, requireLayout } from '../format/layout.ts';
import { encodePrefix } from '../format/prefix.ts';
import type { ByteStream } from '../byte-stream.ts';
import { passing, toWebStream } from '../input.ts';
import { type Intake, takeIn } from '../intake.ts';
import { loadObject } from '../load-object.ts';
import type { Loaded } from '../load.ts';
import { chooseSlotSize } from '../new-object.ts';
import { loadStream, type StreamedSource, streamIn } from '../open-stream.ts';
import { payloadLengthOf, shapeOfObject, shapeOfPayloadAt } from '../payload.ts';
import type { DetachedObject } from '../seal.ts';
import { type DetachedSource, isDetachedSource, type PieceSource } from '../source.ts';

/** Options of {@link convert}. */
export interface ConvertOptions {
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What stands before the segments in another layout. */
export interface ConvertedHead {
  /** The header of a detached object. */
  readonly header: Uint8Array | undefined;
  /** What stands before the first segment. */
  readonly prefix: Uint8Array;
}

/**
 * The head of an object in another layout: core, metadata, FLOE header and recipients stay byte for byte.
 *
 * @throws WaxsealError `ERR_HEADER_DAMAGED` when its slots are not both valid and alike: only a key could tell which
 * list is the right one
 */
export function convertedHead({ head, lists }: Loaded, layout: Layout, name: string): ConvertedHead {
  if (head.core.type !== OBJECT_TYPE.data) {
    throw new WaxsealError('ERR_WRONG_TYPE', `${name} is a ${typeName(head.core.type)}`, { object: name });
  }
  const [newest] = slotsByPreference(lists);
  if (newest === undefined) throw noValidList(lists, name);
  if (!isSteady(lists)) {
    throw new WaxsealError('ERR_HEADER_DAMAGED', `the recipient slots of ${name} are not alike`, {
      object: name,
      next: 'run repair, which proves with a key which of them is right, and convert then',
    });
  }
  const { list } = newest;
  const parts: HeadParts = head;
  const slotSize = isAttached(head) ? head.geometry.slotSize : chooseSlotSize(list.length, undefined);
  const shape = layout === 'attached' ? { layout, slotSize, generation: Math.max(1, newest.generation) } : { layout };
  const encoded = encodePrefix(parts, list, shape, name);
  return layout === 'detached' ? { header: encoded, prefix: head.floeHeader } : { header: undefined, prefix: encoded };
}

type Body = Uint8Array | ByteStream;
/** An object in one piece, or detached. */
export type OneOrTwoPieces<Body> = Body | DetachedSource<PieceSource, Body>;

/**
 * Converts an object to another layout without its key and without touching its segments. Bytes give bytes, a stream
 * gives a web stream; to and from `detached` it is `{ header, payload }`.
 *
 * @param sealed read only; a stream is consumed
 * @throws WaxsealError as {@link inspect}, and `ERR_TRUNCATED`, `ERR_TRAILING_DATA`, `ERR_PAYLOAD_NOT_FOUND`,
 * `ERR_AUTHENTICATION` (not its payload), `ERR_HEADER_DAMAGED` (slots that differ: run repair first)
 * @see SPEC.md "Converting"
 *
 * @example
 * const { header, payload } = await convert(sealed, 'detached');
 */
export function convert(
  sealed: OneOrTwoPieces<Uint8Array>,
  layout: 'detached',
  options?: ConvertOptions,
): Promise<DetachedObject<Uint8Array>>;
export function convert(
  sealed: OneOrTwoPieces<ByteStream>,
  layout: 'detached',
  options?: ConvertOptions,
): Promise<DetachedObject<ReadableStream<Uint8Array>>>;
export function convert(
  sealed: OneOrTwoPieces<Uint8Array>,
  layout: 'attached' | 'compact',
  options?: ConvertOptions,
): Promise<Uint8Array>;
export function convert(
  sealed: OneOrTwoPieces<ByteStream>,
  layout: 'attached' | 'compact',
  options?: ConvertOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function convert(
  sealed: OneOrTwoPieces<Body>,
  layout: Layout,
  options: ConvertOptions = {},
): Promise<
  Uint8Array | ReadableStream<Uint8Array> | DetachedObject<Uint8Array> | DetachedObject<ReadableStream<Uint8Array>>
> {
  refuseUnknownOptions('convert', options, ['signal']);
  const target = requireLayout(layout);
  const body = isDetachedSource(sealed) ? sealed.payload : sealed;
  if (body instanceof Uint8Array) {
    options.signal?.throwIfAborted();
    return convertBytes(sealed as OneOrTwoPieces<Uint8Array>, body, target);
  }
  const stream = streamIn(sealed);
  if (stream !== undefined) {
    return takeIn(stream, options.signal, (chunks) => convertStream(sealed as StreamedSource, chunks, target, options));
  }
  throw new TypeError('convert: expected a Uint8Array, a stream, or { header, payload }');
}

async function convertBytes(
  sealed: OneOrTwoPieces<Uint8Array>,
  body: Uint8Array,
  layout: Layout,
): Promise<Uint8Array | DetachedObject<Uint8Array>> {
  const loaded = await loadObject(sealed, undefined);
  try {
    shapeOfObject(loaded.head, body.length, loaded.payload.name);
    const { header, prefix } = convertedHead(loaded, layout, loaded.header.name);
    const whole = concat(prefix, body.subarray(loaded.head.geometry.segments));
    return header === undefined ? whole : { header, payload: whole };
  } finally {
    await loaded.close();
  }
}

async function convertStream(
  sealed: StreamedSource,
  chunks: Intake,
  layout: Layout,
  { signal }: ConvertOptions,
): Promise<ReadableStream<Uint8Array> | DetachedObject<ReadableStream<Uint8Array>>> {
  const { loaded, segments, rest } = await loadStream(sealed, chunks, undefined);
  const { header, prefix } = convertedHead(loaded, layout, NAME);
  const parts = passing([prefix, segments, rest], chunks, signal, lengthCheck(loaded.head, prefix.length));
  const whole = toWebStream(parts, chunks);
  return header === undefined ? whole : { header, payload: whole };
}

const NAME = 'the object';

/** Refuses segments that are more, or fewer, than the head says. */
function lengthCheck(head: Head, prefixLength: number): { chunk(length: number): void; end(): void } {
  const expected = payloadLengthOf(head);
  let passed = -prefixLength;
  return {
    chunk(length) {
      passed += length;
      if (expected !== undefined && passed > expected) shapeOfPayloadAt(head, passed, NAME);
    },
    end: () => void shapeOfPayloadAt(head, passed, NAME),
  };
}
