import { describe, expect, it } from 'vitest';
import { inspect, isWaxsealError, open, openObject, openRange, verify } from '../../src/index.ts';
import { keysOf, loadVectors, sha256Hex, sourceOf, type Vector } from './vectors.ts';

/*
 * SPEC section 23: what must open, and what must be refused with which error. Among the latter: objects of another type
 * (ATTACKS 9), cuts at every boundary (10), wraps of other objects and keys (13), CBOR (22) and generations (25).
 */
const positive = loadVectors('positive');
const negative = loadVectors('negative');

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

const openBytes = async (vector: Vector): Promise<Uint8Array> => {
  const source = sourceOf(vector);
  return source instanceof Uint8Array ? open(source, keysOf(vector)) : open(source, keysOf(vector));
};

function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

/** Reads from the end to the beginning, as somebody does who trusts the size. */
async function backwards(vector: Vector): Promise<Uint8Array> {
  await using opened = await openObject(sourceOf(vector), keysOf(vector));
  const parts: Uint8Array[] = [];
  for (let end = opened.size; end > 0; end -= 1000) parts.unshift(await opened.read(Math.max(0, end - 1000), end));
  return new Uint8Array(Buffer.concat(parts));
}

/** The object, of which (at least) the payload comes in pieces of so many bytes. */
async function streamed({ object, payload, ...vector }: Vector, length = Infinity): Promise<Uint8Array> {
  const keys = keysOf({ object, payload, ...vector });
  if (payload === undefined) return collect(await open(pieces(object, length), keys));
  return collect(await open({ header: object, payload: pieces(payload, length) }, keys));
}

/** Every range apart, each with an unlock of its own. */
async function inRanges(vector: Vector): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const read = (start: number, end?: number): Promise<Uint8Array> =>
    openRange(sourceOf(vector), keysOf(vector), { start, end });
  const { size } = await openObject(sourceOf(vector), keysOf(vector));
  for (let start = 0; start < size; start += 3001) parts.push(await read(start, start + 3001));
  return new Uint8Array(Buffer.concat(parts));
}

const READERS: Readonly<Record<string, (vector: Vector) => Promise<Uint8Array>>> = {
  'as bytes': openBytes,
  'as a stream': (vector) => streamed(vector),
  'as a stream in pieces of 1,021 bytes': (vector) => streamed(vector, 1021),
  'in ranges': inRanges,
  backwards: backwards,
};

const PAYLOAD_CODES = ['ERR_TRUNCATED', 'ERR_TRAILING_DATA', 'ERR_AUTHENTICATION', 'ERR_MALFORMED'];

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return error.code;
  }
}

describe.each(positive)('$name: $about', (vector) => {
  it.each(Object.keys(READERS))('opens %s', async (reader) => {
    const plaintext = await READERS[reader]?.(vector);
    expect(plaintext?.length).toBe(vector.plaintext?.size);
    expect(sha256Hex(plaintext ?? new Uint8Array())).toBe(vector.plaintext?.sha256);
  });

  it('says what the record says', async () => {
    expect(sha256Hex(vector.object)).toBe(vector.sha256);
    expect(vector.payload && sha256Hex(vector.payload)).toBe(vector.payloadSha256);
    await using object = await openObject(sourceOf(vector), keysOf(vector));
    const { id, context, metadata } = object.info;
    expect({
      id,
      context,
      metadata: metadata === undefined ? null : (JSON.parse(JSON.stringify(metadata)) as unknown),
    }).toEqual({
      id: vector.id,
      context: vector.context,
      metadata: vector.metadata,
    });
    expect(await inspect(vector.object)).toMatchObject({ id: vector.id, bind: vector.bind, context: vector.context });
  });
});

/** What is damaged or forged, but can be opened, is told by verify. */
const NOT_VERIFIED =
  /^(recovery-(head|slot|newer-does-not-open|newer-is-for-other-keys|raced-b-opens)|padding$|detached-bytes-behind-header$|quorum-share-changed-|recipient-(bad-tag|fourth-attempt)$)/;

it.each(positive)('verify judges $name', async (vector) => {
  const report = await verify(sourceOf(vector), keysOf(vector));
  expect(report.ok, JSON.stringify(report.findings)).toBe(!NOT_VERIFIED.test(vector.name));
  expect(report.size).toBe(vector.plaintext?.size);
});

describe.each(negative)('$name: $about', (vector) => {
  it('is refused as the record says', async () => {
    expect(sha256Hex(vector.object)).toBe(vector.sha256);
    expect(vector.codes).toContain(await codeOf(openBytes(vector)));
  });

  it.each(Object.keys(READERS))('is refused %s', async (reader) => {
    const codes = vector.codes ?? [];
    const payload = codes.every((code) => PAYLOAD_CODES.includes(code));
    // Readers that do not know the length, or begin at the end, meet another part of the payload first (SPEC section 12).
    expect(payload ? PAYLOAD_CODES : codes).toContain(await codeOf(READERS[reader]?.(vector) ?? Promise.resolve()));
  });

  it('is not verified', async () => {
    const report = await verify(sourceOf(vector), keysOf(vector)).catch((error: unknown) => {
      if (!isWaxsealError(error)) throw error;
      return { ok: false };
    });
    expect(report.ok).toBe(false);
  });
});
