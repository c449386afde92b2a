import { randomBytes, randomInt } from 'node:crypto';
import { hashLabel } from '../../src/crypto/hash.ts';
import { seal, type SealOptions, x25519KeyPair } from '../../src/index.ts';
import { providerOf, type RecordedKey } from '../vectors/waxseal/make/fixed-key.ts';

/** A sealed object as it lies in files. */
export interface Files {
  /** The object; of a detached one its header. */
  readonly object: Uint8Array;
  readonly payload?: Uint8Array | undefined;
}

export interface RandomObject extends Files {
  readonly keys: readonly RecordedKey[];
}

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const pick = <T>(...items: readonly T[]): T => items[randomInt(items.length)] as T;
const LETTERS = ['a', 'Z', '\u0000', 'é', 'e\u0301', '\ufeff', '漢', '😀', '\uffff'];
const text = (most: number): string => Array.from({ length: randomInt(most + 1) }, () => pick(...LETTERS)).join('');
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function randomKey(i: number): RecordedKey {
  if (randomInt(4) === 0) {
    const privateKey = bytes(32);
    return { uri: x25519KeyPair(privateKey).uri, privateKey };
  }
  return { uri: `local:key-${String(i)}`, versions: [{ n: randomInt(1, 1000), keyId: bytes(16), kek: bytes(32) }] };
}

/** An object of any layout, sealed as bytes or as a stream to 1 to 4 keys, and some of its keys in another order. */
export async function randomObject(): Promise<RandomObject> {
  const keys = Array.from({ length: randomInt(1, 5) }, (_, i) => randomKey(i));
  const segmentLength = pick(4096, 4097, 5000, 8192, 65536);
  const full = segmentLength - 32;
  const size = pick(0, 1, full - 1, full, full + 1, 2 * full, randomInt(0, 4 * full));
  const name = text(40);
  const shape: Omit<SealOptions, 'layout'> = {
    segmentLength,
    context: Object.fromEntries(Array.from({ length: randomInt(5) }, () => [text(20), text(60)])),
    metadata: pick(undefined, {}, { name }, { name, mediaType: text(30) }),
  };
  const files = await sealed(bytes(size), keys, shape);
  return { ...files, keys: pick([pick(...keys)], [...keys].reverse()) };
}

async function sealed(
  plaintext: Uint8Array,
  recorded: readonly RecordedKey[],
  shape: Omit<SealOptions, 'layout'>,
): Promise<Files> {
  const keys = recorded.map(providerOf);
  const whole = pick({ layout: 'compact' as const }, { slotSize: pick(undefined, 4096, 8192, 65536) }, undefined);
  const stream = pick(true, false);
  if (whole !== undefined) {
    const options = { ...shape, ...whole };
    return {
      object: stream ? await all(await seal([plaintext], keys, options)) : await seal(plaintext, keys, options),
    };
  }
  const options = { ...shape, layout: 'detached' as const };
  if (stream) {
    const { header, payload } = await seal([plaintext], keys, options);
    return { object: header, payload: await all(payload) };
  }
  const { header, payload } = await seal(plaintext, keys, options);
  return { object: header, payload };
}

async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

/** One thing that happens to the files of an object, or that somebody does who can write them; `other` is another object. */
export function damage({ object, payload }: Files, other: Files): Files {
  switch (randomInt(9)) {
    case 0:
      return { object: erased(object), payload };
    case 1:
      return { object: relabelled(object), payload };
    case 2:
      return { object: spliced(object, other.object), payload };
    case 3:
      return { object, payload: other.payload };
    case 4:
      return {
        object,
        payload: pick(undefined, other.object, spliced(payload ?? object, other.payload ?? other.object)),
      };
    case 5:
    case 6:
      return payload === undefined ? { object: damagedFile(object) } : { object, payload: damagedFile(payload) };
    default:
      return { object: damagedFile(object), payload };
  }
}

/** Flipped bits, a cut end, something appended, a lost or doubled page. */
function damagedFile(file: Uint8Array): Uint8Array {
  const copy = file.slice();
  if (copy.length === 0) return bytes(randomInt(40));
  const page = 4096 * randomInt(Math.ceil(copy.length / 4096));
  const flip = (at: number): Uint8Array => copy.fill((copy[at] ?? 0) ^ (1 << randomInt(8)), at, at + 1);
  switch (randomInt(8)) {
    case 0:
      return copy.slice(0, randomInt(copy.length));
    case 1:
      return join(copy, bytes(randomInt(1, 40)));
    case 2:
      return copy.fill(0, page, page + 4096);
    case 3:
      return join(copy.subarray(0, page), copy.subarray(page + 4096));
    case 4:
      return join(copy.subarray(0, page), copy.subarray(page, page + 4096), copy.subarray(page));
    case 5:
      return flip(randomInt(copy.length));
    case 6:
      return flip(randomInt(Math.min(copy.length, 500)));
    default:
      return copy.slice(0, Math.max(0, copy.length - randomInt(1, 200)));
  }
}

function lengthsOf(object: Uint8Array): { C: number; M: number; recipients: number; P: number } {
  const [C = 0, M = 0, recipients = 0] = [12, 16, 20].map((at) => Buffer.from(object).readUInt32BE(at));
  return { C, M, recipients, P: Math.ceil((138 + C + M) / 4096) * 4096 };
}

/** The slots or the recipient block overwritten with zeros, wholly or but for a part. */
function erased(object: Uint8Array): Uint8Array {
  const copy = object.slice();
  const { C, M, recipients, P } = lengthsOf(object);
  const attached: readonly [number, number][] = [
    [P, P + 2 * recipients],
    [P, P + recipients],
    [P + 1, P + 2 * recipients],
  ];
  const start = object[9] === 2 ? 32 + C + M : 138 + C + M;
  const end = start + 32 + recipients;
  const [from, to] =
    object[9] === 1 ? pick(...attached) : pick([start, end], [start, end], [start, end - 1], [start, start + 32]);
  return copy.fill(0, from, to);
}

/** Another layout in the prelude, with a head hash that fits it or the old one. */
function relabelled(object: Uint8Array): Uint8Array {
  const copy = object.slice();
  const layout = pick(1, 2, 3);
  const { C, M, P } = lengthsOf(object);
  copy[9] = layout;
  if (layout === 2 || randomInt(3) === 0) return copy;
  const floeHeader = layout === 1 ? P - 74 : 64 + C + M;
  const parts = [copy.subarray(0, 32), copy.subarray(64, 64 + C + M), copy.subarray(floeHeader, floeHeader + 74)];
  copy.set(hashLabel('waxseal/1 head', ...parts), 32);
  return copy;
}

/** The beginning of one file before the end of another. */
function spliced(first: Uint8Array, second: Uint8Array): Uint8Array {
  const cut = (file: Uint8Array): number =>
    pick(randomInt(file.length + 1), 4096 * randomInt(Math.ceil(file.length / 4096) + 1), Math.min(file.length, 74));
  const at = cut(first);
  return join(first.subarray(0, at), second.subarray(pick(at, cut(second))));
}
