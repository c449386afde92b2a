import { beforeAll, describe, expect, it } from 'vitest';
import { type CborMap, decodeCanonicalCbor, encodeCbor } from '../../../src/bytes/index.ts';
import { inspect, isWaxsealError, open, seal, verify } from '../../../src/index.ts';
import type { FixedKey } from '../../vectors/waxseal/make/fixed-key.ts';
import { freshKey } from './objects.ts';

/*
 * Every single-bit flip of a small compact object, and of header and payload of a detached one, is refused with exactly
 * the code that SPEC section 12 states, as bytes and as a stream. Nothing in them is padding, and nothing stands twice.
 */
const PLAINTEXT = Uint8Array.from({ length: 100 }, (_, i) => i);
const MARKER = PLAINTEXT.length + 32;

/** What a reader is given. */
interface Given {
  readonly object: Uint8Array;
  /** Of a detached object. */
  readonly payload?: Uint8Array;
}

type Source = Uint8Array | { header: Uint8Array; payload: Uint8Array };
const sourceOf = ({ object, payload }: Given): Source => (payload === undefined ? object : { header: object, payload });

let keys: readonly FixedKey[];
let compact: Given;
let detached: Given;

beforeAll(async () => {
  keys = [freshKey('local:test'), freshKey('local:recovery')];
  const options = { context: { owner: 'Zoë', purpose: 'test' }, metadata: { name: 'secret.bin' }, segmentLength: 4096 };
  compact = { object: await seal(PLAINTEXT, keys, { ...options, layout: 'compact' }) };
  const pieces = await seal(PLAINTEXT, keys, { ...options, layout: 'detached' });
  detached = { object: pieces.header, payload: pieces.payload };
});

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'opens';
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return error.code;
  }
}

/** The code of bytes and of a stream, or both where they differ. */
async function opening(given: Given): Promise<string> {
  const { object, payload } = given;
  const whole = await codeOf(async () => {
    const plaintext = await open(sourceOf(given) as Uint8Array, keys);
    expect(plaintext).toEqual(PLAINTEXT);
  });
  const stream = payload === undefined ? [object] : { header: object, payload: [payload] };
  const streamed = await codeOf(async () => {
    for await (const _ of await open(stream as Iterable<Uint8Array>, keys));
  });
  return whole === streamed ? whole : `${whole}, as a stream ${streamed}`;
}

/** Lengths in the prelude. */
function lengthsOf(bytes: Uint8Array): { C: number; M: number; R: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { C: view.getUint32(12), M: view.getUint32(16), R: view.getUint32(20) };
}

/** By the first rows of step 1; undefined where the prelude is in order. `next` is what the lengths then come to. */
function preludeCode(at: number, changed: Uint8Array, base: number, withList: boolean): string | undefined {
  if (at < 8) return 'ERR_NOT_SEALED';
  if (at === 8) return 'ERR_UNSUPPORTED_VERSION';
  if (at < 12 || at >= 24) return 'ERR_MALFORMED';
  const { C, M, R } = lengthsOf(changed);
  if (C < 1 || C > 16_384 || M > 4096 || R < 1 || R > 65_472) return 'ERR_LIMIT_EXCEEDED';
  return base + C + M + (withList ? R : 0) > changed.length ? 'ERR_TRUNCATED' : undefined;
}

/** By the rows of step 1 for the core, and then by steps 2 and 3: no block fits a core that it was not made for. */
function coreCode(core: Uint8Array): string {
  let fields: CborMap;
  try {
    const value = decodeCanonicalCbor(core, 'the core');
    if (!(value instanceof Map)) return 'ERR_MALFORMED';
    fields = value as CborMap;
  } catch {
    return 'ERR_MALFORMED';
  }
  for (const key of fields.keys()) {
    if (typeof key !== 'number') return 'ERR_MALFORMED';
    if (key === 0 || (key >= 10 && key <= 23)) return 'ERR_UNSUPPORTED_VERSION';
  }
  const [version, id, type, suite, segmentLength, context, created, size] = [1, 2, 3, 4, 5, 6, 7, 8].map((key) =>
    fields.get(key),
  );
  if (version !== 1 || suite !== 1 || ![1, 2, 3].includes(type as number)) return 'ERR_UNSUPPORTED_VERSION';
  const isUint = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';
  if (!isUint(segmentLength)) return 'ERR_MALFORMED';
  if (segmentLength < 4096 || segmentLength > 4_194_304) return 'ERR_LIMIT_EXCEEDED';
  if (!isUint(created)) return 'ERR_MALFORMED';
  if (created > 253_402_300_799) return 'ERR_LIMIT_EXCEEDED';
  if (size !== undefined) {
    if (!isUint(size)) return 'ERR_MALFORMED';
    if (size > Math.min(2 ** 53 - 1, 2 ** 40 * (Number(segmentLength) - 32))) return 'ERR_LIMIT_EXCEEDED';
  }
  if (!(id instanceof Uint8Array) || id.length !== 16) return 'ERR_MALFORMED';
  if (!(context instanceof Map)) return 'ERR_MALFORMED';
  if (![...context].flat().every((text) => typeof text === 'string')) return 'ERR_MALFORMED';
  if (encodeCbor(context as CborMap).length > 4096) return 'ERR_LIMIT_EXCEEDED';
  if (fields.has(9) !== (type === 2)) return 'ERR_MALFORMED';
  // The FLOE header still says what it said.
  if (segmentLength !== 4096) return 'ERR_MALFORMED';
  return type === 1 ? 'ERR_HEADER_DAMAGED' : 'ERR_WRONG_TYPE';
}

/** By step 7, for a bit of the only segment. */
function segmentCode(offset: number, bit: number): string {
  if (offset >= 4) return 'ERR_AUTHENTICATION';
  const value = (MARKER ^ (1 << ((3 - offset) * 8 + bit))) >>> 0;
  return value < 32 || value > 4096 ? 'ERR_MALFORMED' : value > MARKER ? 'ERR_TRUNCATED' : 'ERR_TRAILING_DATA';
}

function compactCode(at: number, bit: number, changed: Uint8Array): string {
  const { C, M, R } = lengthsOf(compact.object);
  const [metaAt, blockAt, floeAt] = [32 + C, 32 + C + M, 64 + C + M + R];
  if (at === 9) return bit === 0 ? 'ERR_HEADER_DAMAGED' : 'ERR_UNSUPPORTED_VERSION';
  if (at < 32) {
    // Within the object, but not what was meant: the core ends elsewhere, or the FLOE header is not one.
    return preludeCode(at, changed, 138, true) ?? 'ERR_MALFORMED';
  }
  if (at < metaAt) return coreCode(changed.subarray(32, metaAt));
  if (at < blockAt) return 'ERR_AUTHENTICATION';
  if (at < floeAt) return 'ERR_HEADER_DAMAGED';
  if (at < floeAt + 10) return 'ERR_MALFORMED';
  return at < floeAt + 74 ? 'ERR_AUTHENTICATION' : segmentCode(at - floeAt - 74, bit);
}

function headerCode(at: number, bit: number, changed: Uint8Array): string {
  // One bit away stand the attached layout, whose slots have no such size, and the compact one, whose core is no core.
  if (at === 9) return ['ERR_MALFORMED', 'ERR_LIMIT_EXCEEDED'][bit] ?? 'ERR_UNSUPPORTED_VERSION';
  // All of prelude, core, metadata and FLOE header is under the head hash, and the list under that of the block.
  if (at >= 32) return 'ERR_HEADER_DAMAGED';
  return preludeCode(at, changed, 138, false) ?? 'ERR_HEADER_DAMAGED';
}

const payloadCode = (at: number, bit: number): string => (at < 74 ? 'ERR_AUTHENTICATION' : segmentCode(at - 74, bit));

interface Piece {
  readonly name: string;
  readonly given: () => Given;
  readonly part: 'object' | 'payload';
  readonly code: (at: number, bit: number, changed: Uint8Array) => string;
}

const pieces: readonly Piece[] = [
  { name: 'compact object', given: () => compact, part: 'object', code: compactCode },
  { name: 'detached header', given: () => detached, part: 'object', code: headerCode },
  { name: 'payload of a detached object', given: () => detached, part: 'payload', code: payloadCode },
];

describe.each(pieces)('every flipped bit of a $name', ({ given, part, code }) => {
  it('the object itself opens and is verified', async () => {
    expect(await opening(given())).toBe('opens');
    expect((await verify(sourceOf(given()), keys)).findings).toEqual([]);
  });

  it('is refused with the code of SPEC section 12, and never verified as whole', { timeout: 600_000 }, async () => {
    const bytes = (given()[part] ?? new Uint8Array(0)).slice();
    const changed: Given = { ...given(), [part]: bytes };
    const wrong: string[] = [];
    const seen = new Set<string>();
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const expected = code(at, bit, bytes);
        seen.add(expected);
        const got = await opening(changed);
        if (got !== expected) wrong.push(`byte ${String(at)}, bit ${String(bit)}: ${got}, not ${expected}`);
        const verified = await verify(sourceOf(changed), keys).then(
          ({ ok }) => ok,
          () => false,
        );
        if (verified) wrong.push(`byte ${String(at)}, bit ${String(bit)}: verified as whole`);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(wrong).toHaveLength(0);
    expect(seen.size).toBeGreaterThan(2);
  });
});

describe('every flipped bit of a detached header', () => {
  it('that inspect does not refuse is damage to the recipients, which it shows', async () => {
    const shown = await inspect(detached.object);
    const bytes = detached.object.slice();
    const { C, M } = lengthsOf(bytes);
    const blockAt = 138 + C + M;
    const wrong: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const told = await inspect(bytes).catch((error: unknown) => {
        if (!isWaxsealError(error)) throw error;
        return undefined;
      });
      if ((told === undefined) !== at < blockAt) wrong.push(`byte ${String(at)}`);
      if (told !== undefined && (told.lists !== 'damaged' || told.id !== shown.id)) wrong.push(`byte ${String(at)}`);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
