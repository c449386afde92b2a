import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCbor } from '../../../../src/bytes/index.ts';
import { bindOf } from '../../../../src/envelope/format/core.ts';
import { decodeHead } from '../../../../src/envelope/format/head.ts';
import { rewrap, seal, type WholeSealOptions } from '../../../../src/envelope/index.ts';
import { type FixedKey, fixedKey, versionOf } from './fixed-key.ts';
import {
  both,
  craft,
  entry,
  type Ground,
  key1,
  key2,
  type Made,
  padded,
  pattern,
  random,
  RECOVERY_URI,
  type Recipe,
  recoveryKey,
  sealedMeta,
  slot,
  URI,
} from './craft.ts';
import type { Vector } from './vector.ts';

const FULL = 4096 - 32;
const one = (): FixedKey => fixedKey(URI, [key1]);
const recovery = (): FixedKey => fixedKey(RECOVERY_URI, [recoveryKey]);

/** Sealed by the library, so that a change of what it writes shows here. */
async function sealed(length: number, options: WholeSealOptions = {}, keys = [one()], stream = false): Promise<Made> {
  const plaintext = pattern(length);
  const shape = { segmentLength: 4096, ...options };
  const object = stream
    ? new Uint8Array(await new Response((await seal([plaintext], keys, shape)) as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
    : await seal(plaintext, keys, shape);
  return described(object, keys[0]);
}

function described(object: Uint8Array, key: FixedKey | undefined): Made {
  const { bind, prelude } = decodeHead(object, 'the vector');
  const core = object.slice(64, 64 + prelude.coreLength);
  if (Buffer.compare(bind, bindOf(core)) !== 0) throw new Error('bind');
  return { object, core, bind, dataKey: key?.wrapped[0] ?? new Uint8Array() };
}

async function rewrapped(): Promise<Made> {
  const key = one();
  const made = await sealed(5000, {}, [key]);
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-vectors-'));
  try {
    const path = join(folder, 'object.wax');
    await writeFile(path, made.object);
    await rewrap(path, fixedKey(URI, [key1, key2]));
    return { ...made, object: new Uint8Array(await readFile(path)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const junk = (ground: Ground): ReturnType<typeof entry> => entry(ground, { wrap: random(72) });
const listOf = (...entries: ReturnType<typeof entry>[]): Uint8Array => encodeCbor(entries);
const crafted = (recipe: Recipe): (() => Made) => () => craft(recipe);

export const NON_ASCII = {
  owner: 'Zoë Müller',
  ключ: 'значение',
  数据: '机密',
  // After the emoji in UTF-16 code units, before it in UTF-8: sorting by the wrong one is refused (ESDK-JS #428).
  'ﾠ': 'U+FFA0',
  '😀': 'U+1F600',
  e: 'e',
  é: 'é precomposed',
  'e\u0301': 'é decomposed',
};

export const positive: readonly Vector[] = [
  { name: 'empty', about: 'no plaintext: one empty final segment', length: 0, make: () => sealed(0) },
  {
    name: 'one-byte',
    about: 'one byte, with an encryption context (the worked example of SPEC.md)',
    length: 1,
    context: { purpose: 'example' },
    make: () => sealed(1, { context: { purpose: 'example' } }),
  },
  { name: 'one-segment', about: 'exactly one full final segment', length: FULL, make: () => sealed(FULL) },
  { name: 'one-segment-and-a-byte', about: 'one internal segment and one byte', length: FULL + 1, make: () => sealed(FULL + 1) },
  { name: 'several-segments', about: 'two internal segments and a final one', length: 10_000, make: () => sealed(10_000) },
  { name: 'aligned-end', about: 'the last of two segments is full', length: 2 * FULL, make: () => sealed(2 * FULL) },
  { name: 'unknown-size', about: 'sealed from a stream: no size in the core', length: 5000, make: () => sealed(5000, {}, [one()], true) },
  { name: 'unknown-size-empty', about: 'an empty stream: no size in the core', length: 0, make: () => sealed(0, {}, [one()], true) },
  {
    name: 'unknown-size-empty-final',
    about: 'no size in the core, and an empty final segment behind a full one, as FLOE allows',
    length: FULL,
    make: crafted({ plaintext: pattern(FULL), size: null, emptyFinal: true }),
  },
  {
    name: 'segment-length-5000',
    about: 'a segment length that is no power of two',
    length: 9999,
    make: () => sealed(9999, { segmentLength: 5000 }),
  },
  { name: 'context', about: 'context keys outside ASCII, sorted by their encoded bytes', length: 100, context: NON_ASCII, make: () => sealed(100, { context: NON_ASCII }) },
  {
    name: 'context-odd-text',
    about: 'context texts that careless readers change: a leading U+FEFF, NUL, __proto__, empty',
    length: 100,
    context: { '\ufeffbom': '\ufeff', nul: '\0', ['__proto__']: 'own', '': '', 'long\ufeff': `\ufeff${'x'.repeat(40)}` },
    make: () =>
      sealed(100, { context: { '\ufeffbom': '\ufeff', nul: '\0', ['__proto__']: 'own', '': '', 'long\ufeff': `\ufeff${'x'.repeat(40)}` } }),
  },
  {
    name: 'metadata',
    about: 'private metadata: name and media type',
    length: 100,
    metadata: { name: 'modèle/größe.safetensors', mediaType: 'application/octet-stream' },
    make: () => sealed(100, { metadata: { name: 'modèle/größe.safetensors', mediaType: 'application/octet-stream' } }),
  },
  { name: 'metadata-empty', about: 'private metadata without any field', length: 100, metadata: {}, make: () => sealed(100, { metadata: {} }) },
  {
    name: 'metadata-unknown-key-24',
    about: 'private metadata with a field from 24 on, which a reader ignores',
    length: 100,
    metadata: { name: 'a' },
    make: crafted({ meta: (ground) => sealedMeta(ground, padded(encodeCbor(new Map<number, string | number>([[1, 'a'], [24, 7]])))) }),
  },
  {
    name: 'large-head',
    about: 'a context of 4 KiB: head regions of two pages',
    length: 100,
    context: { text: 'x'.repeat(4087) },
    make: () => sealed(100, { context: { text: 'x'.repeat(4087) } }),
  },
  { name: 'large-slot', about: 'slots of 12 KiB', length: 100, make: () => sealed(100, { slotSize: 12_288 }) },
  { name: 'two-recipients', about: 'a second key', length: 100, make: () => sealed(100, {}, [one(), recovery()]) },
  {
    name: 'two-recipients-second-key',
    about: 'opened with the second of two keys',
    length: 100,
    keys: [{ uri: RECOVERY_URI, versions: [recoveryKey] }],
    make: () => sealed(100, {}, [one(), recovery()]),
  },
  {
    name: 'thirty-two-recipients',
    about: 'as many entries as are allowed; 31 are for other keys',
    length: 100,
    make: crafted({
      slotSize: 8192,
      entries: (g) => [...Array.from({ length: 31 }, (_, i) => entry(g, { uri: `local:other-${String(i)}` })), entry(g)],
    }),
  },
  {
    name: 'recipient-unknown-algorithm',
    about: 'an entry of an unknown algorithm for the same key is carried and never tried',
    length: 100,
    make: crafted({ entries: (g) => [entry(g, { wrap: random(40), change: (f) => f.set(3, 99) }), entry(g)] }),
  },
  {
    name: 'recipient-unknown-field-10',
    about: 'an entry with an unknown field below 24 is carried and never tried',
    length: 100,
    make: crafted({ entries: (g) => [entry(g, { version: key2, wrap: random(72), change: (f) => f.set(10, 'new') }), entry(g)] }),
  },
  {
    name: 'recipient-unknown-field-24',
    about: 'an entry with an unknown field from 24 on is used',
    length: 100,
    make: crafted({ entries: (g) => [entry(g, { change: (f) => f.set(24, [true, 2n ** 64n - 1n, 'x']) })] }),
  },
  {
    name: 'recipient-branch-and-quorum',
    about: 'entries with branch (6) and quorum (7) fields are carried and never tried',
    length: 100,
    make: crafted({
      entries: (g) => [
        entry(g, { uri: 'awskms:arn', change: (f) => f.set(3, 16).set(6, new Map([[1, random(16)]])) }),
        entry(g, { uri: 'quorum:team', change: (f) => f.set(3, 17).set(7, new Map([[1, 2], [2, 3]])) }),
        entry(g),
      ],
    }),
  },
  {
    name: 'recipient-flags',
    about: 'an entry that is flagged blind and retiring is used',
    length: 100,
    make: crafted({ entries: (g) => [entry(g, { change: (f) => f.set(8, 3) })] }),
  },
  { name: 'recipient-untagged', about: 'an entry without a tag and without a time is used', length: 100, make: crafted({ entries: (g) => [entry(g, { tagged: false, change: (f) => f.delete(5) })] }) },
  {
    name: 'recipient-bad-tag',
    about: 'opening does not need the entry tag; verify reports it',
    length: 100,
    make: crafted({ entries: (g) => [entry(g, { tagged: false, change: (f) => f.set(9, random(16)) })] }),
  },
  {
    name: 'recipient-fourth-attempt',
    about: 'three forged entries before the right one: the fourth attempt of a key is its last',
    length: 100,
    make: crafted({
      entries: (g) => [2, 3, 4].map((n) => entry(g, { wrap: random(72), change: (f) => f.set(2, versionOf({ ...key1, n })) })).concat(entry(g)),
    }),
    keys: [{ uri: URI, versions: [{ ...key1, n: 2 }, { ...key1, n: 3 }, { ...key1, n: 4 }, key1] }],
  },
  {
    name: 'recipient-long-fields',
    about: 'URI of 512 bytes, version of 256, wrap of 2 KiB, in an entry that is carried',
    length: 100,
    make: crafted({
      slotSize: 8192,
      entries: (g) => [
        entry(g, { uri: `awskms:${'u'.repeat(505)}`, wrap: random(2048), change: (f) => f.set(2, 'v'.repeat(256)).set(5, 253_402_300_799) }),
        entry(g),
      ],
    }),
  },
  { name: 'core-unknown-key-24', about: 'unknown fields of the core from 24 on are carried and bound', length: 100, make: crafted({ core: (f) => f.set(24, 'later').set(1000, [1, true]) }) },
  { name: 'core-deepest-nesting', about: 'eight levels of nesting in an unknown field of the core', length: 100, make: crafted({ core: (f) => f.set(24, [[[[[[[0]]]]]]]) }) },
  { name: 'core-created-limits', about: 'created at 9999-12-31T23:59:59Z', length: 100, make: crafted({ core: (f) => f.set(7, 253_402_300_799) }) },
  {
    name: 'rewrapped',
    about: 'after a rewrap to version 2 of the key: generation 2, steady',
    length: 5000,
    keys: [{ uri: URI, versions: [key2] }],
    make: rewrapped,
  },

  // Recovery table
  { name: 'recovery-head0-damaged', about: 'a bit of the first head is wrong: the second is read', length: 100, make: crafted({ object: (o) => flip(o, 70) }) },
  { name: 'recovery-head0-lost', about: 'the first head is overwritten with zeros', length: 100, make: crafted({ object: (o, { P }) => o.fill(0, 0, P) }) },
  { name: 'recovery-head0-version', about: 'damage that makes another format version of the first head', length: 100, make: crafted({ object: (o) => flip(o, 8) }) },
  { name: 'recovery-head0-length', about: 'damage that makes the core longer in the first head', length: 100, make: crafted({ object: (o) => flip(o, 14) }) },
  { name: 'recovery-head0-large', about: 'first head lost, head regions of two pages and slots of 12 KiB', length: 100, context: { text: 'x'.repeat(4000) }, make: crafted({ context: { text: 'x'.repeat(4000) }, slotSize: 12_288, object: (o, { P }) => o.fill(0, 0, P) }) },
  {
    name: 'recovery-head0-foreign',
    about: 'the first head is the valid head of another object and fits no slot: the second is read',
    length: 100,
    make: crafted({
      object: (o, { P }) => {
        o.set(craft({}).object.subarray(0, P));
        return o;
      },
    }),
  },
  { name: 'recovery-head1-damaged', about: 'the second head is lost: nobody needs it to open', length: 100, make: crafted({ object: (o, { P, S }) => o.fill(0, P + 2 * S, 2 * P + 2 * S) }) },
  { name: 'recovery-slot-a-invalid', about: 'slot A is lost: B is read', length: 100, make: crafted({ object: (o, { P, S }) => o.fill(0, P, P + S) }) },
  { name: 'recovery-slot-b-invalid', about: 'slot B is lost', length: 100, make: crafted({ object: (o, { P, S }) => o.fill(0, P + S, P + 2 * S) }) },
  { name: 'recovery-slot-a-torn', about: 'only the first 512 bytes of a new slot A were written', length: 100, make: crafted({ slots: torn }) },
  {
    name: 'recovery-next-generation',
    about: 'generations 1 and 2: the newer is used',
    length: 100,
    make: crafted({ slots: (g, list) => [slot(g, 0, listOf(entry(g, { version: key2 }))), slot(g, 1, list, { generation: 2 })] }),
  },
  {
    name: 'recovery-newer-does-not-open',
    about: 'generation 2 in slot A does not open: generation 1 in slot B is used, with a warning',
    length: 100,
    make: crafted({ slots: (g, list) => [slot(g, 0, listOf(junk(g)), { generation: 2 }), slot(g, 1, list)] }),
  },
  {
    name: 'recovery-newer-is-for-other-keys',
    about: 'generation 2 names only other keys: generation 1 is used, with a warning',
    length: 100,
    make: crafted({ slots: (g, list) => [slot(g, 0, list), slot(g, 1, listOf(entry(g, { uri: RECOVERY_URI, version: recoveryKey })), { generation: 2 })] }),
  },
  {
    name: 'recovery-raced-a-opens',
    about: 'one generation, two lists: A is used',
    length: 100,
    make: crafted({ slots: (g, list) => [slot(g, 0, list), slot(g, 1, listOf(junk(g)))] }),
  },
  {
    name: 'recovery-raced-b-opens',
    about: 'one generation, two lists, A does not open: B is used, with a warning',
    length: 100,
    make: crafted({ slots: (g, list) => [slot(g, 0, listOf(junk(g))), slot(g, 1, list)] }),
  },
  {
    name: 'recovery-head0-and-slot-a',
    about: 'first head and slot A lost: second head and slot B are enough',
    length: 100,
    make: crafted({ object: (o, { P, S }) => o.fill(0, 0, P + S) }),
  },
  { name: 'generation-limit', about: 'both slots at generation 2^48', length: 100, make: crafted({ slots: (g, list) => both(g, list, { generation: 2 ** 48 }) }) },
  { name: 'generation-zero', about: 'both slots at generation 0, which no writer makes', length: 100, make: crafted({ slots: (g, list) => both(g, list, { generation: 0 }) }) },
  {
    name: 'padding',
    about: 'bytes that are not zero in the padding of heads and slots change nothing when opening; verify reports them',
    length: 100,
    make: crafted({
      slots: (g, list) => both(g, list, { padding: 0xaa }),
      object: (o, { P, S }) => flip(flip(o, P - 75), 2 * P + 2 * S - 75),
    }),
  },
];

function flip(object: Uint8Array, at: number): Uint8Array {
  object[at] = (object[at] ?? 0) ^ 1;
  return object;
}

function torn(ground: Ground, list: Uint8Array): [Uint8Array, Uint8Array] {
  const long = Array.from({ length: 4 }, (_, i) => entry(ground, { uri: `local:other-${String(i)}` }));
  const a = slot(ground, 0, list);
  a.set(slot(ground, 0, listOf(...long, entry(ground)), { generation: 2 }).subarray(0, 512));
  return [a, slot(ground, 1, list)];
}
