/** Sealed objects taken apart and put together again with right hashes, as whoever can write them can do. */
import { expect } from 'vitest';
import { type CborMap, type CborValue, concat, encodeCbor } from '../../../src/bytes/index.ts';
import { bindOf } from '../../../src/envelope/format/core.ts';
import { isAttached } from '../../../src/envelope/format/head.ts';
import { encodePrefix } from '../../../src/envelope/format/prefix.ts';
import { decodeRecipients, type Recipient } from '../../../src/envelope/format/recipients.ts';
import { load } from '../../../src/envelope/load.ts';
import { bytesSource } from '../../../src/envelope/source.ts';
import {
  type DetachedObject,
  isWaxsealError,
  type KeyProvider,
  type Keys,
  type Layout,
  type ObjectInfo,
  open,
  type OpenOptions,
  seal,
  type SealOptions,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { cut } from '../../support/streams.ts';

export const LAYOUTS = ['attached', 'compact', 'detached'] as const;

/** A whole object, or the two pieces of a detached one. */
export type Sealed = Uint8Array | DetachedObject<Uint8Array>;

/** What an object is made of; unkeyed hashes are made anew when it is put together. */
export interface Parts {
  readonly layout: Layout;
  readonly core: Uint8Array;
  readonly meta: Uint8Array;
  readonly floeHeader: Uint8Array;
  /** The encoded recipients. */
  readonly list: Uint8Array;
  readonly segments: Uint8Array;
  /** Of an attached object. */
  readonly generation?: number | undefined;
  readonly slotSize?: number | undefined;
}

/** Three segments: two of 4,064 bytes of plaintext, one of 1,872. */
export const SEGMENT = 4096;
export const plaintext = pattern(10_000);

/** An object of three segments, with a context and private metadata. */
export function sealAs(
  layout: Layout,
  keys: Keys,
  options: Omit<SealOptions, 'layout'> = {},
  data: Uint8Array = plaintext,
): Promise<Sealed> {
  const shape = { context: { team: 'vision' }, metadata: { name: 'x.bin' }, segmentLength: SEGMENT, ...options };
  return layout === 'detached'
    ? seal(data, keys, { ...shape, layout })
    : seal(data, keys, { ...shape, layout, ...(layout === 'attached' ? { slotSize: SEGMENT } : {}) });
}

/** The same, sealed from a stream: without a size in the core. */
export async function sealUnsized(layout: Layout, keys: Keys, data: Uint8Array = plaintext): Promise<Sealed> {
  const options = { segmentLength: SEGMENT };
  const whole = async (stream: ReadableStream<Uint8Array>): Promise<Uint8Array> =>
    new Uint8Array(await new Response(stream).arrayBuffer());
  if (layout !== 'detached') return whole(await seal([data], keys, { ...options, layout }));
  const { header, payload } = await seal([data], keys, { ...options, layout });
  return { header, payload: await whole(payload) };
}

export function headerOf(sealed: Sealed): Uint8Array {
  return sealed instanceof Uint8Array ? sealed : sealed.header;
}

/** The bytes that hold the segments, at their end. */
export function payloadOf(sealed: Sealed): Uint8Array {
  return sealed instanceof Uint8Array ? sealed : sealed.payload;
}

export function withPayload(sealed: Sealed, payload: Uint8Array): Sealed {
  return sealed instanceof Uint8Array ? payload : { ...sealed, payload };
}

export function withHeader(sealed: Sealed, header: Uint8Array): Sealed {
  return sealed instanceof Uint8Array ? header : { ...sealed, header };
}

export async function partsOf(sealed: Sealed): Promise<Parts> {
  const { head, lists } = await load(bytesSource(headerOf(sealed)), undefined);
  const list = lists[0]?.slot;
  if (list === undefined) throw new Error('no valid list');
  return {
    layout: head.geometry.layout,
    core: head.coreBytes,
    meta: head.meta,
    floeHeader: head.floeHeader,
    list: list.list,
    segments: payloadOf(sealed).subarray(head.geometry.segments),
    ...(isAttached(head) ? { generation: list.generation, slotSize: head.geometry.slotSize } : {}),
  };
}

/** An object of these parts, in their layout, with right lengths and hashes. */
export function objectOf(parts: Parts): Sealed {
  const { layout, core, list, floeHeader, segments, generation = 1, slotSize = SEGMENT } = parts;
  const head = { coreBytes: core, meta: parts.meta, floeHeader, bind: bindOf(core) };
  const shape = layout === 'attached' ? { layout, generation, slotSize } : { layout };
  const prefix = encodePrefix(head, list, shape, 'x');
  if (layout === 'detached') return { header: prefix, payload: concat(floeHeader, segments) };
  return concat(prefix, segments);
}

/** A copy with some parts of it replaced. */
export async function changed(sealed: Sealed, change: (parts: Parts) => Partial<Parts>): Promise<Sealed> {
  const parts = await partsOf(sealed);
  return objectOf({ ...parts, ...change(parts) });
}

/** Where both slots, or the recipient block, stand in an object or header. */
export async function placeOfRecipients(sealed: Sealed): Promise<[number, number]> {
  const { layout, core, meta, list } = await partsOf(sealed);
  if (layout === 'attached') return [SEGMENT, 3 * SEGMENT];
  const from = layout === 'compact' ? 32 + core.length + meta.length : 138 + core.length + meta.length;
  return [from, from + 32 + list.length];
}

export function entriesOf(list: Uint8Array): readonly Recipient[] {
  return decodeRecipients(list, 'x');
}

/** The encoded entries of an object, each by itself. */
export async function entryBytesOf(sealed: Sealed): Promise<Uint8Array[]> {
  return entriesOf((await partsOf(sealed)).list).map(({ fields }) => encodeCbor(fields));
}

/** A copy with other entries in its list. */
export function withEntries(
  sealed: Sealed,
  change: (entries: readonly CborMap[]) => readonly CborMap[],
): Promise<Sealed> {
  return changed(sealed, ({ list }) => ({ list: encodeCbor(change(entriesOf(list).map(({ fields }) => fields))) }));
}

/** Fields of an entry, by their numbers. */
export type Fields = Readonly<Record<number, CborValue | undefined>>;

/** The entry with some of its fields replaced; undefined takes a field away. */
export function entryWith(entry: CborMap, fields: Fields): CborMap {
  const out = new Map(entry);
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) out.delete(Number(key));
    else out.set(Number(key), value);
  }
  return out;
}

export interface Opened {
  readonly plaintext: Uint8Array;
  readonly info: ObjectInfo;
}

/** Opens the whole object at once. */
export async function opened(sealed: Sealed, keys: Keys, options: OpenOptions = {}): Promise<Opened> {
  let info: ObjectInfo | undefined;
  const onInfo = (told: ObjectInfo): void => void (info = told);
  const data = await open(sealed as Uint8Array, keys, { ...options, onInfo });
  if (info === undefined) throw new Error('nothing was told about the object');
  return { plaintext: data, info };
}

/** Opens it as a stream: what came out, and how it ended. */
export async function streamed(
  sealed: Sealed,
  keys: Keys,
  options: OpenOptions = {},
): Promise<{ given: Uint8Array; end: string }> {
  const chunks: Uint8Array[] = [];
  let end = 'opens';
  try {
    const pieces = cut(payloadOf(sealed), [1000]);
    const source = sealed instanceof Uint8Array ? pieces : { header: sealed.header, payload: pieces };
    for await (const chunk of await open(source as Iterable<Uint8Array>, keys, options)) chunks.push(chunk);
  } catch (error) {
    end = codeOf(error);
  }
  return { given: concat(...chunks), end };
}

/** The code that a reader refuses the object with, the same whether it comes as bytes or as a stream; or `opens`. */
export async function outcome(sealed: Sealed, keys: Keys, options: OpenOptions = {}): Promise<string> {
  let whole: Uint8Array | undefined;
  let code = 'opens';
  try {
    whole = (await opened(sealed, keys, options)).plaintext;
  } catch (error) {
    code = codeOf(error);
  }
  const { given, end } = await streamed(sealed, keys, options);
  if (whole !== undefined && Buffer.compare(given, whole) !== 0) return 'two plaintexts';
  return end === code ? code : `${code}, as a stream ${end}`;
}

function codeOf(error: unknown): string {
  if (!isWaxsealError(error)) throw error;
  return error.code;
}

/** Expects that it opens, in every way, to what was sealed. */
export async function expectOpens(
  sealed: Sealed,
  keys: Keys,
  data: Uint8Array = plaintext,
  options: OpenOptions = {},
): Promise<ObjectInfo> {
  expect(await outcome(sealed, keys, options)).toBe('opens');
  const { plaintext: got, info } = await opened(sealed, keys, options);
  expect(Buffer.compare(got, data)).toBe(0);
  return info;
}

/** A provider that counts what it is asked to unwrap. */
export function counting(key: KeyProvider): { readonly key: KeyProvider; readonly unwraps: () => number } {
  let unwraps = 0;
  const { uri, algorithms, bindsContext, symmetric } = key;
  return {
    key: {
      uri,
      algorithms,
      bindsContext,
      symmetric,
      wrap: (...args) => key.wrap(...args),
      unwrap: (...args) => {
        unwraps += 1;
        return key.unwrap(...args);
      },
    },
    unwraps: () => unwraps,
  };
}

export function flipped(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const out = bytes.slice();
  const index = at < 0 ? out.length + at : at;
  out[index] = (out[index] ?? 0) ^ (1 << bit);
  return out;
}
