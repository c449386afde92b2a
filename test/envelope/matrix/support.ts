/**
 * The three tables of the matrix: layouts, forms and verbs. A form is a way to hand bytes in, a sink a way to take them
 * out. A new layout, form or verb is one line here, and every test of this folder takes it up.
 */
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import {
  addRecipient,
  type ByteStream,
  convert,
  inspect,
  type Layout,
  open,
  removeRecipient,
  reseal,
  rewrap,
  seal,
  sealedSize,
  type SealedSource,
  type SealOptions,
  verify,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { collect, cut, reusing } from '../../support/streams.ts';

export const LAYOUTS = ['attached', 'compact', 'detached'] as const;

export const SEGMENT = 4096;
const PLAIN = SEGMENT - 32;
/** None, one byte, around the end of a segment, and several segments. */
export const SIZES = [0, 1, PLAIN - 1, PLAIN, PLAIN + 1, 3 * PLAIN, 3 * PLAIN + 17] as const;
/** Longer than anything that is read ahead to find the head: the payload passes by in chunks. */
export const LONG = 400_000;

export const alice = memoryKey('local:alice');
export const bob = memoryKey('local:bob');
export const carol = memoryKey('local:carol');

/** Ways to hand in a stream. */
export const STREAMS = {
  'Node Readable of odd chunks': (bytes) => Readable.from(cut(bytes, [1000, 1, 4096, 77])),
  'Node Readable in byte mode': (bytes) => byteMode(bytes, [3, 4097, 1]),
  'Node Readable that reuses its buffer': (bytes) => Readable.from(reusing(bytes, 777), { highWaterMark: 0 }),
  'web stream': (bytes) => ReadableStream.from<Uint8Array>(cut(bytes, [513, 5000, 1])),
  'web byte stream': (bytes) => byteStream(bytes, 4999),
  'async iterable': (bytes) => collectable(cut(bytes, [333])),
  'async iterable that reuses its buffer': (bytes) => reusing(bytes, 5001),
  iterable: (bytes) => cut(bytes, [0, 1, 8192]),
} as const satisfies Record<string, (bytes: Uint8Array) => ByteStream>;
export type StreamForm = keyof typeof STREAMS;
export const STREAM_FORMS = Object.keys(STREAMS) as StreamForm[];

/** Ways to hand in bytes. */
export const BYTES = {
  Uint8Array: (bytes: Uint8Array): Uint8Array => bytes.slice(),
  'Buffer with an offset': (bytes: Uint8Array): Uint8Array =>
    Buffer.concat([pattern(13), bytes, pattern(7)]).subarray(13, 13 + bytes.length),
} as const;
export const BYTES_FORMS = Object.keys(BYTES) as (keyof typeof BYTES)[];

/** Ways to hand in what can be read anywhere; `path` is where those that are files put it. */
export const ANYWHERE = {
  ...BYTES,
  path: async (bytes: Uint8Array, path: string) => (await writeFile(path, bytes), path),
  'file URL': async (bytes: Uint8Array, path: string) => (await writeFile(path, bytes), pathToFileURL(path)),
  Blob: (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)]),
  RandomAccess: (bytes: Uint8Array) => ({
    size: bytes.length,
    name: 'an object in a store',
    read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
  }),
} as const;
export type AnywhereForm = keyof typeof ANYWHERE;
export const ANYWHERE_FORMS = Object.keys(ANYWHERE) as AnywhereForm[];

/** Ways to take the bytes of a web stream. */
export const SINKS = {
  'for await': collect,
  // Without copying: a chunk is the receiver's, and stays what it was.
  'for await, chunks kept': async (stream) => {
    const kept: Uint8Array[] = [];
    for await (const chunk of stream) kept.push(chunk);
    return new Uint8Array(Buffer.concat(kept));
  },
  'new Response().bytes()': (stream) => responseBytes(stream),
  'Readable.fromWeb, pipeline into a file': async (stream) => {
    const path = join(await temporaryFolder(), 'sunk');
    await pipeline(Readable.fromWeb(stream as never), createWriteStream(path));
    return new Uint8Array(await readFile(path));
  },
  pipeThrough: (stream) => collect(stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>())),
  // Takes the memory of every chunk over: what two chunks share, or a pool, would be lost.
  'chunks transferred': async (stream) => {
    const kept: Uint8Array[] = [];
    for await (const chunk of stream) kept.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
    return new Uint8Array(Buffer.concat(kept));
  },
} as const satisfies Record<string, (stream: ReadableStream<Uint8Array>) => Promise<Uint8Array>>;
export const SINK_NAMES = Object.keys(SINKS) as (keyof typeof SINKS)[];

/** `new Response(stream).bytes()`, which the types of Node do not know yet. */
export function responseBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const response: unknown = new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>);
  return (response as { bytes(): Promise<Uint8Array> }).bytes();
}

/** An object in one piece, or a detached one in two. */
export type Sealed = Uint8Array | { readonly header: Uint8Array; readonly payload: Uint8Array };

/** A sealed object, and what is in it. */
export interface Sample {
  readonly layout: Layout;
  readonly plaintext: Uint8Array;
  readonly sealed: Sealed;
}

/** An object of `size` bytes that Alice and Bob can open. */
export async function sampleOf(layout: Layout, size: number): Promise<Sample> {
  const plaintext = pattern(size);
  return { layout, plaintext, sealed: await whole(await sealAny(plaintext, { layout, segmentLength: SEGMENT })) };
}

/** `seal` to Alice and Bob in any layout, for whose result the types need to know the layout. */
export function sealAny(body: Uint8Array | ByteStream, options: SealOptions): Promise<unknown> {
  return seal(body as Uint8Array, [alice, bob], options as { layout: 'compact' });
}

/** What a verb gave, read to its end. */
export async function whole(
  made: unknown,
  sink: (stream: ReadableStream<Uint8Array>) => Promise<Uint8Array> = collect,
): Promise<Sealed> {
  if (made instanceof Uint8Array) return made;
  if (made instanceof ReadableStream) return sink(made as ReadableStream<Uint8Array>);
  const { header, payload } = made as { header: Uint8Array; payload: Uint8Array | ReadableStream<Uint8Array> };
  return { header, payload: payload instanceof Uint8Array ? payload : await sink(payload) };
}

/** The stream in what a verb gave. */
export function streamIn(made: unknown): ReadableStream<Uint8Array> {
  if (made instanceof ReadableStream) return made as ReadableStream<Uint8Array>;
  return (made as { payload: ReadableStream<Uint8Array> }).payload;
}

/** What carries the recipients: the object, or the header of a detached one. */
export function headOf(sealed: Sealed): Uint8Array {
  return sealed instanceof Uint8Array ? sealed : sealed.header;
}

/** What carries the segments. */
export function bodyOf(sealed: Sealed): Uint8Array {
  return sealed instanceof Uint8Array ? sealed : sealed.payload;
}

/** The object with its segments (and all else, where it is one piece) in another form. */
export function withBody(sealed: Sealed, body: unknown): never {
  return (sealed instanceof Uint8Array ? body : { header: sealed.header, payload: body }) as never;
}

/** The object with other recipients. */
function withHead(sealed: Sealed, head: Sealed): Sealed {
  return sealed instanceof Uint8Array ? head : { header: head as Uint8Array, payload: sealed.payload };
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  // Not `toEqual`, which takes seconds for a few hundred kilobytes.
  expect(Buffer.compare(actual, expected), 'the bytes differ').toBe(0);
}

/** It opens for each of these keys on its own, and verify finds nothing. */
export async function expectOpens(sealed: Sealed, plaintext: Uint8Array, keys = [alice, bob]): Promise<void> {
  for (const key of keys) expectBytes(await open(sealed as Uint8Array, key), plaintext);
  expect((await verify(sealed, keys)).findings).toEqual([]);
}

/** `sealedSize` of an object says how long its one piece, or its payload, is. */
export async function expectSize(sealed: Sealed, plaintext: Uint8Array, sizeKnown: boolean): Promise<void> {
  const { layout, recipientsLength } = await inspect(headOf(sealed));
  const options = layout === 'compact' ? { recipientsLength } : {};
  expect(sealedSize(plaintext.length, { layout, segmentLength: SEGMENT, sizeKnown, ...options })).toBe(
    bodyOf(sealed).length,
  );
}

/** A verb that gives bytes for bytes and a stream for a stream. */
export interface BodyVerb {
  /** What it takes of a sample, in bytes. */
  input(sample: Sample): Uint8Array;
  /** Calls it with that, in any form. */
  run(sample: Sample, body: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  /** Its result is what it should be. */
  check(sample: Sample, result: Sealed): Promise<void>;
}

const changing = (
  run: (head: never, options: { readonly signal?: AbortSignal }) => Promise<unknown>,
  keys = [alice, bob],
): BodyVerb => ({
  input: ({ sealed }) => headOf(sealed),
  run: (_, body, options = {}) => run(body as never, options),
  check: async ({ sealed, plaintext }, result) => {
    const changed = withHead(sealed, result);
    await expectOpens(changed, plaintext, keys);
    expectBytes(await segmentsOf(changed), await segmentsOf(sealed));
  },
});

const converting = (to: Layout): BodyVerb => ({
  input: ({ sealed }) => bodyOf(sealed),
  run: ({ sealed }, body, options) => convert(withBody(sealed, body), to as 'compact', options),
  check: async ({ sealed, plaintext }, result) => {
    expect((await inspect(headOf(result))).layout).toBe(to);
    await expectOpens(result, plaintext);
    expectBytes(await segmentsOf(result), await segmentsOf(sealed));
  },
});

/** The encrypted segments, which nothing but a reseal changes. */
async function segmentsOf(sealed: Sealed): Promise<Uint8Array> {
  return bodyOf(sealed).subarray((await inspect(headOf(sealed))).payloadOffset);
}

const VERBS = {
  seal: {
    input: ({ plaintext }) => plaintext,
    run: ({ layout }, body, options) => sealAny(body as Uint8Array, { layout, segmentLength: SEGMENT, ...options }),
    check: ({ plaintext }, result) => expectOpens(result, plaintext),
  },
  open: {
    input: ({ sealed }) => bodyOf(sealed),
    run: ({ sealed }, body, options) => open(withBody(sealed, body), bob, options),
    check: async ({ plaintext }, result) => {
      expectBytes(result as Uint8Array, plaintext);
    },
  },
  rewrap: changing((head, options) => {
    alice.bump();
    return rewrap(head, alice, options);
  }),
  addRecipient: changing((head, options) => addRecipient(head, alice, carol, options), [alice, bob, carol]),
  removeRecipient: changing((head, options) => removeRecipient(head, alice, bob.uri, options), [alice]),
  reseal: {
    input: ({ sealed }) => bodyOf(sealed),
    run: ({ sealed }, body, options) => reseal(withBody(sealed, body), [alice, bob], options),
    check: async ({ sealed, plaintext, layout }, result) => {
      const [before, after] = [await inspect(headOf(sealed)), await inspect(headOf(result))];
      expect(after.layout).toBe(layout);
      expect(after.id).not.toBe(before.id);
      await expectOpens(result, plaintext);
    },
  },
  'convert to attached': converting('attached'),
  'convert to compact': converting('compact'),
  'convert to detached': converting('detached'),
} as const satisfies Record<string, BodyVerb>;
export type BodyVerbName = keyof typeof VERBS;
export const BODY_VERBS: Readonly<Record<BodyVerbName, BodyVerb>> = VERBS;
export const BODY_VERB_NAMES = Object.keys(BODY_VERBS) as BodyVerbName[];

/** Both pieces of a sample in a form that can be read anywhere; files in `folder` lie where they are looked for. */
export async function anywhere(sealed: Sealed, form: AnywhereForm, folder: string): Promise<SealedSource> {
  if (sealed instanceof Uint8Array) return ANYWHERE[form](sealed, join(folder, 'object.wax'));
  const header = await ANYWHERE[form](sealed.header, join(folder, 'object.wax'));
  const payload = await ANYWHERE[form](sealed.payload, join(folder, 'object.floe'));
  // The payload of a header on disk is found without being named.
  return form === 'path' || form === 'file URL' ? header : { header, payload };
}

/** A Node stream that is pushed pieces of these lengths and, in byte mode, gives out what its buffer makes of them. */
function byteMode(bytes: Uint8Array, lengths: readonly number[]): Readable {
  const pieces = cut(bytes, lengths);
  return new Readable({
    highWaterMark: 9001,
    read() {
      const next = pieces.next();
      this.push(next.done === true ? null : next.value);
    },
  });
}

function byteStream(bytes: Uint8Array, length: number): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      // A copy: enqueueing takes the memory over.
      if (offset < bytes.length) controller.enqueue(new Uint8Array(bytes.subarray(offset, offset + length)));
      else controller.close();
      offset += length;
    },
  });
}

async function* collectable(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}
