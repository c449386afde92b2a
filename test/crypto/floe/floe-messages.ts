import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { isWaxsealError, type ErrorCode } from '../../../src/errors/index.ts';
import {
  decrypt,
  decryptStream,
  floePlaintextSize,
  type FloeParams,
  HEADER_LENGTH,
} from '../../../src/crypto/floe/index.ts';
import { decryptSegment, startDecryption } from '../../../src/crypto/floe/segments.ts';

/** Deterministic bytes that differ at every position of a small message. */
export function bytes(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed * 97) & 0xff);
}

export const KEY = bytes(32, 2);
export const AAD = new TextEncoder().encode('associated data');

export async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** `data` in chunks of the given sizes, over and over; the last chunk may be shorter. Empty chunks are allowed. */
export function* inChunks(data: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let offset = 0, i = 0; offset < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield data.subarray(offset, offset + size);
    offset += size;
  }
}

/** The segments of a whole message, cut by the segment length, and its header. */
export function split(message: Uint8Array, segmentLength: number): { header: Uint8Array; segments: Uint8Array[] } {
  const segments: Uint8Array[] = [];
  for (let offset = HEADER_LENGTH; offset < message.length; offset += segmentLength) {
    segments.push(message.slice(offset, offset + segmentLength));
  }
  return { header: message.slice(0, HEADER_LENGTH), segments };
}

export function join(header: Uint8Array, segments: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([header, ...segments]));
}

export type Reader = (key: Uint8Array, aad: Uint8Array, message: Uint8Array, params: FloeParams) => Promise<Uint8Array>;

/** Every way to read a message from its beginning: all must agree, in what they accept and in how they refuse. */
export const SEQUENTIAL: Readonly<Record<string, Reader>> = {
  'one-shot': async (key, aad, message, params) => decrypt(key, aad, message, params),
  streamed: (key, aad, message, params) => collect(decryptStream(key, aad, [message], params)),
  'byte by byte': (key, aad, message, params) => collect(decryptStream(key, aad, inChunks(message, [1]), params)),
};

/** Random access, last segment first, by a reader that takes the length of the message for granted. */
export const RANDOM_ACCESS: Reader = async (key, aad, message, params) => {
  const { header, segments } = split(message, params.segmentLength);
  const state = startDecryption(key, aad, header, params);
  const plaintexts: Uint8Array[] = [];
  try {
    floePlaintextSize(message.length - HEADER_LENGTH, params);
    for (let position = segments.length - 1; position >= 0; position--) {
      const segment = segments[position] ?? new Uint8Array();
      plaintexts.unshift(decryptSegment(state, segment, position, position === segments.length - 1));
    }
  } finally {
    state.close();
  }
  return new Uint8Array(Buffer.concat(plaintexts));
};

export const READERS: Readonly<Record<string, Reader>> = { ...SEQUENTIAL, 'random access': RANDOM_ACCESS };

/** Expects that `action` throws or rejects with a WaxsealError of one of these codes. */
export async function refuses(action: () => unknown, ...codes: readonly ErrorCode[]): Promise<void> {
  let thrown: unknown;
  let returned = false;
  try {
    await action();
    returned = true;
  } catch (error) {
    thrown = error;
  }
  expect(returned, 'was accepted').toBe(false);
  if (!isWaxsealError(thrown)) throw thrown;
  expect(codes).toContain(thrown.code);
}

export interface Vector {
  readonly name: string;
  readonly params: FloeParams;
  readonly message: Uint8Array;
  readonly plaintext: Uint8Array;
}

/** Key and associated data of the vectors (test/vectors/floe/README.md). */
export const VECTOR_KEY = new Uint8Array(32);
export const VECTOR_AAD = new TextEncoder().encode('This is AAD');

const FOLDER = new URL('../../vectors/floe/', import.meta.url);
const hex = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(readFileSync(new URL(name, FOLDER), 'latin1').trim(), 'hex'));

const VECTOR_PARAMS: Readonly<Record<string, FloeParams>> = {
  GCM256_IV256_64: { segmentLength: 64 },
  GCM256_IV256_4K: { segmentLength: 4096 },
  rotation: { segmentLength: 40, rotationMask: 2 },
  lastSegAligned: { segmentLength: 40 },
  lastSegEmpty: { segmentLength: 40 },
};

export const VECTORS: readonly Vector[] = ['cpp', 'go', 'java'].flatMap((writer) =>
  Object.entries(VECTOR_PARAMS)
    .filter(([name]) => writer === 'java' || !name.startsWith('lastSeg'))
    .map(([kind, params]) => {
      const name = `${writer}_${kind}`;
      return { name, params, message: hex(`${name}_ct.txt`), plaintext: hex(`${name}_pt.txt`) };
    }),
);
