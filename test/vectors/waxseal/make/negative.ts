import { type CborValue, concat, encodeCbor, writeU32 } from '../../../../src/bytes/index.ts';
import type { ErrorCode } from '../../../../src/errors/index.ts';
import { hashLabel } from '../../../../src/crypto/hash.ts';
import { wrapLocal } from './fixed-key.ts';
import {
  both,
  craft,
  entry,
  type Ground,
  hex,
  key1,
  key2,
  type Layout,
  padded,
  type Pair,
  pattern,
  random,
  rawMap,
  rawPairs,
  type Recipe,
  sealedMeta,
  slot,
  URI,
} from './craft.ts';
import type { Vector } from './vector.ts';

const FULL = 4096 - 32;
type Code = ErrorCode | readonly ErrorCode[];

const vector = (name: string, code: Code, about: string, recipe: Recipe, more: Partial<Vector> = {}): Vector => ({
  name,
  code,
  about,
  make: () => craft(recipe),
  ...more,
});

const flipAt = (bytes: Uint8Array, at: number, bit = 1): void => {
  bytes[at] = (bytes[at] ?? 0) ^ bit;
};
const object = (change: (bytes: Uint8Array, layout: Layout) => Uint8Array | undefined): Pick<Recipe, 'object'> => ({
  object: (bytes, layout) => change(bytes, layout) ?? bytes,
});
const text = (value: string): Uint8Array => encodeCbor(value);

// Both heads carry the failure: a single bad one is recovered from the other.
const head: readonly Vector[] = [
  vector('head-magic', 'ERR_NOT_SEALED', 'another magic', { prelude: (p) => flipAt(p, 0) }),
  vector('head-no-bytes', 'ERR_NOT_SEALED', 'no bytes at all', object(() => new Uint8Array(0))),
  vector('head-part-of-magic', 'ERR_NOT_SEALED', 'only 7 bytes of the magic', object((o) => o.slice(0, 7))),
  vector('head-cut-prelude', 'ERR_TRUNCATED', 'the file ends inside the prelude', object((o) => o.slice(0, 31))),
  vector('head-version-0', 'ERR_UNSUPPORTED_VERSION', 'format version 0', { prelude: (p) => p.set([0], 8) }),
  vector('head-version-2', 'ERR_UNSUPPORTED_VERSION', 'format version 2', { prelude: (p) => p.set([2], 8) }),
  vector('head-layout-0', 'ERR_UNSUPPORTED_VERSION', 'layout 0', { prelude: (p) => p.set([0], 9) }),
  vector('head-layout-255', 'ERR_UNSUPPORTED_VERSION', 'layout 255', { prelude: (p) => p.set([255], 9) }),
  vector('head-layout-4', 'ERR_UNSUPPORTED_VERSION', 'layout 4', { prelude: (p) => p.set([4], 9) }),
  ...[10, 11, 24, 31].map((at) =>
    vector(`head-reserved-${String(at)}`, 'ERR_MALFORMED', `reserved byte ${String(at)} is not zero`, { prelude: (p) => p.set([1], at) }),
  ),
  vector('head-core-length-0', 'ERR_LIMIT_EXCEEDED', 'core length 0', { prelude: (p) => writeU32(p, 12, 0) }),
  vector('head-core-over-limit', 'ERR_LIMIT_EXCEEDED', 'a core of 16 KiB and a byte', {
    core: (f) => {
      f.set(24, new Uint8Array(0));
      f.set(24, new Uint8Array(16 * 1024 + 1 - encodeCbor(f).length - 2));
    },
  }),
  vector('head-core-length-huge', 'ERR_LIMIT_EXCEEDED', 'core length FFFFFFFF', { prelude: (p) => writeU32(p, 12, 0xffffffff) }),
  vector('head-meta-over-limit', 'ERR_LIMIT_EXCEEDED', 'metadata of 4 KiB and a byte', { meta: () => random(4097) }),
  vector('head-slot-0', 'ERR_LIMIT_EXCEEDED', 'slots of no bytes', { slotSize: 0, slots: () => [new Uint8Array(0), new Uint8Array(0)] }),
  vector('head-slot-over-limit', 'ERR_LIMIT_EXCEEDED', 'slots of 68 KiB', { slotSize: 68 * 1024 }),
  vector('head-slot-uneven', 'ERR_LIMIT_EXCEEDED', 'slots of 6000 bytes', { slotSize: 6000 }),
  vector('head-hash', 'ERR_HEADER_DAMAGED', 'the head hash of both heads is wrong', { headHash: (h) => flipAt(h, 31) }),
  vector('head-hash-without-prelude', 'ERR_HEADER_DAMAGED', 'a head hash over core and metadata only', {
    headHash: (h) => h.set(hashLabel('waxseal/1 head', new Uint8Array(3))),
  }),
  vector('head-floe-parameters', 'ERR_MALFORMED', 'the FLOE header is for another segment length than the core', {
    plaintext: pattern(100),
    floeSegmentLength: 8192,
  }),
  vector('head-floe-algorithm', 'ERR_MALFORMED', 'the FLOE header names another AEAD', { floeHeader: (h) => flipAt(h, 0) }),
  vector('head-floe-iv-length', 'ERR_MALFORMED', 'the FLOE header names another IV length', { floeHeader: (h) => flipAt(h, 9) }),
];

const replaced = (key: number, value: Uint8Array) => (pairs: Pair[]): Uint8Array =>
  rawMap(pairs.map((pair) => (pair[0][0] === key ? [pair[0], value] : pair)));

const core: readonly Vector[] = [
  vector('core-unsorted', 'ERR_MALFORMED', 'core keys out of order', {
    rawCore: ([a, b, ...rest]) => rawMap([b, a, ...rest] as Pair[]),
  }),
  vector('core-context-unsorted', 'ERR_MALFORMED', 'context keys out of order', {
    rawCore: replaced(6, rawMap([[text('b'), text('1')], [text('a'), text('2')]])),
  }),
  vector('core-context-sorted-as-utf16', 'ERR_MALFORMED', 'context keys sorted by UTF-16 code units', {
    rawCore: replaced(6, rawMap([[text('😀'), text('1')], [text('ﾠx'), text('2')]])),
  }),
  vector('core-duplicate', 'ERR_MALFORMED', 'a core key twice', {
    rawCore: ([a, ...rest]) => rawMap([a, a, ...rest] as Pair[]),
  }),
  vector('core-context-duplicate', 'ERR_MALFORMED', 'a context key twice', {
    rawCore: replaced(6, rawMap([[text('a'), text('1')], [text('a'), text('2')]])),
  }),
  vector('core-float', 'ERR_MALFORMED', 'the size as a float', { rawCore: replaced(8, hex('f9 5640')) }),
  vector('core-bad-utf8', 'ERR_MALFORMED', 'a context value that is not UTF-8', {
    rawCore: replaced(6, rawMap([[text('a'), hex('61 ff')]])),
  }),
  vector('core-surrogate', 'ERR_MALFORMED', 'a context value with an encoded surrogate', {
    rawCore: replaced(6, rawMap([[text('a'), hex('63 eda080')]])),
  }),
  vector('core-indefinite', 'ERR_MALFORMED', 'a core of indefinite length', {
    rawCore: (pairs) => concat(hex('bf'), ...pairs.flat(), hex('ff')),
  }),
  vector('core-indefinite-text', 'ERR_MALFORMED', 'a context value of indefinite length', {
    rawCore: replaced(6, rawMap([[text('a'), hex('7f 61 62 ff')]])),
  }),
  vector('core-trailing', 'ERR_MALFORMED', 'a byte after the core map', { rawCore: (_, bytes) => concat(bytes, hex('00')) }),
  vector('core-cut', 'ERR_MALFORMED', 'the core ends inside its map', { rawCore: (_, bytes) => bytes.slice(0, -1) }),
  vector('core-long-integer', 'ERR_MALFORMED', 'the size in more bytes than it needs', { rawCore: replaced(8, hex('19 0064')) }),
  vector('core-long-length', 'ERR_MALFORMED', 'the length of the id in more bytes than it needs', {
    rawCore: (pairs) => rawMap(pairs.map(([key, value]) => (key[0] === 2 ? [key, concat(hex('58 10'), value.subarray(1))] : [key, value]))),
  }),
  vector('core-tagged', 'ERR_MALFORMED', 'a CBOR tag', { rawCore: (_, bytes) => concat(hex('d9 d9f7'), bytes) }),
  vector('core-null', 'ERR_MALFORMED', 'null in an unknown field', {
    rawCore: (pairs) => rawMap([...pairs, [hex('1818'), hex('f6')]]),
  }),
  vector('core-negative', 'ERR_MALFORMED', 'a negative integer in an unknown field', {
    rawCore: (pairs) => rawMap([...pairs, [hex('1818'), hex('20')]]),
  }),
  vector('core-nested', 'ERR_MALFORMED', 'nine levels of nesting in an unknown field', { core: (f) => f.set(24, [[[[[[[[0]]]]]]]]) }),
  vector('core-array', 'ERR_MALFORMED', 'a core that is an array', { rawCore: () => hex('81 01') }),
  vector('core-text-key', 'ERR_MALFORMED', 'a text key in the core', { core: (f) => f.set('x', 1) }),
  vector('core-key-0', 'ERR_UNSUPPORTED_VERSION', 'core field 0', { core: (f) => f.set(0, 1) }),
  vector('core-key-10', 'ERR_UNSUPPORTED_VERSION', 'unknown core field 10', { core: (f) => f.set(10, 1) }),
  vector('core-key-23', 'ERR_UNSUPPORTED_VERSION', 'unknown core field 23', { core: (f) => f.set(23, 1) }),
  vector('core-version-2', 'ERR_UNSUPPORTED_VERSION', 'core version 2', { core: (f) => f.set(1, 2) }),
  vector('core-no-version', 'ERR_UNSUPPORTED_VERSION', 'no core version', { core: (f) => f.delete(1) }),
  vector('core-suite-2', 'ERR_UNSUPPORTED_VERSION', 'payload suite 2', { core: (f) => f.set(4, 2) }),
  vector('core-type-4', 'ERR_UNSUPPORTED_VERSION', 'object type 4', { core: (f) => f.set(3, 4) }),
  vector('core-id-short', 'ERR_MALFORMED', 'an id of 15 bytes', { core: (f) => f.set(2, random(15)) }),
  vector('core-no-id', 'ERR_MALFORMED', 'no id', { core: (f) => f.delete(2) }),
  vector('core-id-text', 'ERR_MALFORMED', 'an id that is text', { core: (f) => f.set(2, '0123456789abcdef') }),
  vector('core-segment-under-limit', 'ERR_LIMIT_EXCEEDED', 'segments of 4095 bytes', { segmentLength: 4095 }),
  vector('core-segment-over-limit', 'ERR_LIMIT_EXCEEDED', 'segments of 4 MiB and a byte', { segmentLength: 4 * 1024 * 1024 + 1 }),
  vector('core-segment-huge', 'ERR_LIMIT_EXCEEDED', 'segments of 2^53 bytes', { core: (f) => f.set(5, 2n ** 53n) }),
  vector('core-segment-text', 'ERR_MALFORMED', 'a segment length that is text', { core: (f) => f.set(5, '4096') }),
  vector('core-no-segment-length', 'ERR_MALFORMED', 'no segment length', { core: (f) => f.delete(5) }),
  vector('core-no-context', 'ERR_MALFORMED', 'no context', { core: (f) => f.delete(6) }),
  vector('core-context-array', 'ERR_MALFORMED', 'a context that is an array', { core: (f) => f.set(6, []) }),
  vector('core-context-integer', 'ERR_MALFORMED', 'a context value that is an integer', { core: (f) => f.set(6, new Map([['a', 1]])) }),
  vector('core-context-integer-key', 'ERR_MALFORMED', 'a context key that is an integer', { core: (f) => f.set(6, new Map([[1, 'a']])) }),
  vector('core-context-over-limit', 'ERR_LIMIT_EXCEEDED', 'a context of 4 KiB and a byte', { context: { text: 'x'.repeat(4088) } }),
  vector('core-no-created', 'ERR_MALFORMED', 'no creation time', { core: (f) => f.delete(7) }),
  vector('core-created-text', 'ERR_MALFORMED', 'a creation time that is text', { core: (f) => f.set(7, '2026-01-02') }),
  vector('core-created-over-limit', 'ERR_LIMIT_EXCEEDED', 'created in the year 10000', { core: (f) => f.set(7, 253_402_300_800) }),
  vector('core-size-text', 'ERR_MALFORMED', 'a size that is text', { core: (f) => f.set(8, '100') }),
  vector('core-size-huge', 'ERR_LIMIT_EXCEEDED', 'a size of 2^53', { core: (f) => f.set(8, 2n ** 53n) }),
  vector('core-size-over-segments', 'ERR_LIMIT_EXCEEDED', 'a size that needs more than 2^40 segments', { size: 2 ** 40 * FULL + 1 }),
  vector('core-tree-on-data', 'ERR_MALFORMED', 'a tree field on sealed data', {
    core: (f) => f.set(9, new Map<number, CborValue>([[1, random(16)], [2, 1]])),
  }),
  vector('core-tree-missing', 'ERR_MALFORMED', 'a tree root without its tree field', { core: (f) => f.set(3, 2) }),
  vector('core-tree-third-field', 'ERR_MALFORMED', 'a tree field with three entries', {
    core: (f) => f.set(3, 2).set(9, new Map<number, CborValue>([[1, random(16)], [2, 1], [3, 1]])),
  }),
  vector('core-tree-id-short', 'ERR_MALFORMED', 'a tree id of 15 bytes', {
    core: (f) => f.set(3, 2).set(9, new Map<number, CborValue>([[1, random(15)], [2, 1]])),
  }),
  vector('core-tree-seq-huge', 'ERR_LIMIT_EXCEEDED', 'a tree sequence number of 2^53', {
    core: (f) => f.set(3, 2).set(9, new Map<number, CborValue>([[1, random(16)], [2, 2n ** 53n]])),
  }),
  vector('type-tree-root', 'ERR_WRONG_TYPE', 'a tree root, opened as data', {
    core: (f) => f.set(3, 2).set(9, new Map<number, CborValue>([[1, random(16)], [2, 1]])),
  }),
  vector('type-secrets', 'ERR_WRONG_TYPE', 'a secrets file, opened as data', { core: (f) => f.set(3, 3) }),
];

const DAMAGED = 'ERR_HEADER_DAMAGED';

// Both slots carry the failure: a single bad one is recovered from the other.
const slots: readonly Vector[] = [
  vector('slot-magic', DAMAGED, 'slots that do not begin with WXSL', { slots: (g, l) => both(g, l, { header: (h) => flipAt(h, 0) }) }),
  vector('slot-swapped', DAMAGED, 'slot A in the place of B and the other way round', { slots: (g, l) => [slot(g, 1, l), slot(g, 0, l)] }),
  ...[5, 7, 24, 31].map((at) =>
    vector(`slot-reserved-${String(at)}`, DAMAGED, `reserved byte ${String(at)} of the slots is not zero`, {
      slots: (g, l) => both(g, l, { header: (h) => flipAt(h, at) }),
    }),
  ),
  vector('slot-generation-over-limit', DAMAGED, 'generation 2^48 + 1', { slots: (g, l) => both(g, l, { generation: 2 ** 48 + 1 }) }),
  vector('slot-generation-huge', DAMAGED, 'generation 2^64 - 1', { slots: (g, l) => both(g, l, { generation: 2n ** 64n - 1n }) }),
  vector('slot-size', DAMAGED, 'slots that say another size', { slots: (g, l) => both(g, l, { header: (h) => writeU32(h, 20, 8192) }) }),
  vector('slot-length-over', DAMAGED, 'a list longer than the slot', { slots: (g, l) => both(g, l, { header: (h) => writeU32(h, 16, 4096 - 63) }) }),
  vector('slot-hash', DAMAGED, 'a wrong slot hash', { slots: (g, l) => both(g, l, { hash: (h) => flipAt(h, 0) }) }),
  vector('slot-of-another-object', DAMAGED, 'slots whose hash is bound to another object', { slots: (g, l) => both(g, l, { bind: random(32) }) }),
  vector('slots-cut', DAMAGED, 'the file ends inside slot A', object((o, { P, S }) => o.slice(0, P + S - 1))),
  vector('slots-missing', DAMAGED, 'the file ends behind the first head', object((o, { P }) => o.slice(0, P))),
];

const listed = (name: string, about: string, rawList: (list: Uint8Array, ground: Ground) => Uint8Array): Vector =>
  vector(`list-${name}`, DAMAGED, about, { rawList });
const entryWith = (name: string, about: string, change: (fields: Map<number | string, CborValue>) => void): Vector =>
  vector(`entry-${name}`, DAMAGED, about, { entries: (g) => [entry(g, { change })] });
const rawEntry = (ground: Ground, change: (pairs: Pair[]) => Uint8Array): Uint8Array =>
  concat(hex('81'), change(rawPairs(entry(ground))));

const lists: readonly Vector[] = [
  vector('list-empty', DAMAGED, 'no recipients', { entries: () => [] }),
  vector('list-no-bytes', DAMAGED, 'a list of no bytes', { rawList: () => new Uint8Array(0) }),
  vector('list-33', DAMAGED, '33 recipients', {
    slotSize: 8192,
    entries: (g) => Array.from({ length: 33 }, (_, i) => entry(g, i === 0 ? {} : { uri: `local:other-${String(i)}` })),
  }),
  listed('map', 'a list that is a map', (list) => concat(hex('a1 01'), list.subarray(1))),
  listed('trailing', 'a byte after the list', (list) => concat(list, hex('00'))),
  listed('cut', 'a list that ends inside an entry', (list) => list.slice(0, -1)),
  listed('indefinite', 'a list of indefinite length', (list) => concat(hex('9f'), list.subarray(1), hex('ff'))),
  listed('long-length', 'the number of entries in more bytes than it needs', (list) => concat(hex('98 01'), list.subarray(1))),
  listed('unsorted', 'an entry with keys out of order', (_, g) => rawEntry(g, ([a, b, ...rest]) => rawMap([b, a, ...rest] as Pair[]))),
  listed('duplicate-key', 'an entry with a key twice', (_, g) => rawEntry(g, ([a, ...rest]) => rawMap([a, a, ...rest] as Pair[]))),
  listed('float', 'an entry whose algorithm is a float', (_, g) => rawEntry(g, (pairs) => replaced(3, hex('f9 3c00'))(pairs))),
  listed('long-integer', 'an algorithm in more bytes than it needs', (_, g) => rawEntry(g, (pairs) => replaced(3, hex('18 01'))(pairs))),
  listed('bad-utf8', 'a key URI that is not UTF-8', (_, g) => rawEntry(g, (pairs) => replaced(1, hex('62 6cff'))(pairs))),
  vector('entry-not-a-map', DAMAGED, 'an entry that is no map', { entries: (g) => [entry(g), 1] }),
  entryWith('text-key', 'a text key in an entry', (f) => f.set('x', 1)),
  entryWith('key-0', 'field 0 in an entry', (f) => f.set(0, 1)),
  entryWith('no-uri', 'an entry without a key URI', (f) => f.delete(1)),
  entryWith('empty-uri', 'an empty key URI', (f) => f.set(1, '')),
  entryWith('long-uri', 'a key URI of 513 bytes', (f) => f.set(1, `local:${'u'.repeat(507)}`)),
  entryWith('no-version', 'an entry without a version', (f) => f.delete(2)),
  entryWith('long-version', 'a version of 257 bytes', (f) => f.set(2, 'v'.repeat(257))),
  entryWith('no-algorithm', 'an entry without an algorithm', (f) => f.delete(3)),
  entryWith('text-algorithm', 'an algorithm that is text', (f) => f.set(3, 'local')),
  entryWith('huge-algorithm', 'algorithm 2^53', (f) => f.set(3, 2n ** 53n)),
  entryWith('no-wrap', 'an entry without a wrap', (f) => f.delete(4)),
  entryWith('text-wrap', 'a wrap that is text', (f) => f.set(4, 'wrap')),
  entryWith('long-wrap', 'a wrap of 2 KiB and a byte', (f) => f.set(4, random(2049))),
  entryWith('late', 'wrapped in the year 10000', (f) => f.set(5, 253_402_300_800)),
  entryWith('text-time', 'a time that is text', (f) => f.set(5, 'now')),
  entryWith('text-flags', 'flags that are text', (f) => f.set(8, 'blind')),
  vector('entry-short-tag', DAMAGED, 'a tag of 15 bytes', { entries: (g) => [entry(g, { tagged: false, change: (f) => f.set(9, random(15)) })] }),
  vector('entry-twice', DAMAGED, 'two entries with one URI, version and algorithm', { entries: (g) => [entry(g), entry(g)] }),
];

const NO_KEY = 'ERR_NO_MATCHING_KEY';
const AUTH = 'ERR_AUTHENTICATION';

const carried = (name: string, about: string, change: (fields: Map<number | string, CborValue>) => void): Vector =>
  vector(`key-${name}`, NO_KEY, about, { entries: (g) => [entry(g, { change })] });

const keys: readonly Vector[] = [
  vector('key-of-another-uri', NO_KEY, 'sealed to another key', { entries: (g) => [entry(g, { uri: 'local:other' })] }),
  carried('unknown-algorithm', 'the only entry has an unknown algorithm', (f) => f.set(3, 99)),
  carried('unknown-field-10', 'the only entry has the unknown field 10', (f) => f.set(10, true)),
  carried('unknown-field-23', 'the only entry has the unknown field 23', (f) => f.set(23, true)),
  carried('unknown-flag', 'the only entry has the unknown flag 4', (f) => f.set(8, 4)),
  carried('branch', 'the only entry has a branch field', (f) => f.set(6, new Map([[1, random(16)]]))),
  carried('quorum', 'the only entry has a quorum field', (f) => f.set(7, new Map([[1, 2]]))),
  vector('key-unknown-version', 'ERR_KEY_NOT_FOUND', 'the only entry is for a version that the keyring does not have', {
    entries: (g) => [entry(g, { version: key2 })],
  }),
  vector(
    'key-fifth-attempt',
    AUTH,
    'four forged entries before the right one: a key is tried four times',
    { entries: (g) => [2, 3, 4, 5].map((n) => entry(g, { version: { ...key1, n }, wrap: random(72) })).concat(entry(g)) },
    { keys: [{ uri: URI, versions: [2, 3, 4, 5, 1].map((n) => ({ ...key1, n })) }] },
  ),
  vector('wrap-of-another-object', AUTH, 'the wrap of this data key for another object', {
    entries: (g) => [entry(g, { wrap: wrapLocal(key1, g.dataKey, random(32)) })],
  }),
  vector('wrap-of-another-data-key', AUTH, 'a wrap for this object of another data key: the header tag refuses it', {
    entries: (g) => [entry(g, { wrap: wrapLocal(key1, random(32), g.bind) })],
  }),
  vector('wrap-of-16-bytes', AUTH, 'a wrap of a secret that is no data key', {
    entries: (g) => [entry(g, { wrap: wrapLocal(key1, g.dataKey.subarray(0, 16), g.bind) })],
  }),
  vector('wrap-under-another-version', AUTH, 'a wrap under version 2, recorded as version 1', {
    entries: (g) => [entry(g, { wrap: wrapLocal(key2, g.dataKey, g.bind) })],
  }),
  ...[0, 24, 71].map((at) =>
    vector(`wrap-changed-${String(at)}`, AUTH, `byte ${String(at)} of the wrap changed`, {
      entries: (g) => {
        const wrap = wrapLocal(key1, g.dataKey, g.bind);
        flipAt(wrap, at);
        return [entry(g, { wrap })];
      },
    }),
  ),
  vector('wrap-short', AUTH, 'a wrap of 39 bytes', { entries: (g) => [entry(g, { wrap: random(39) })] }),
  vector('wrap-empty', AUTH, 'a wrap of no bytes', { entries: (g) => [entry(g, { wrap: new Uint8Array(0) })] }),
];

const bound: readonly Vector[] = [
  vector('header-tag', AUTH, 'the FLOE header tag changed, and the head hash made to fit', { floeHeader: (h) => flipAt(h, 73) }),
  vector('header-iv', AUTH, 'the FLOE IV changed, and the head hash made to fit', { floeHeader: (h) => flipAt(h, 10) }),
  vector('core-forged', AUTH, 'the context changed, and all hashes made to fit', {
    slots: (g, l) => both(g, l),
    entries: (g) => [entry({ dataKey: g.dataKey, bind: random(32) })],
  }),
  vector('meta-forged', AUTH, 'a bit of the metadata changed, and the head hash made to fit', {
    meta: (g) => sealedMeta(g, padded(hex('a0'))),
    object: forgeMeta,
  }),
  vector('meta-tag', AUTH, 'metadata whose own tag is wrong, by somebody who holds the data key', {
    meta: (g) => {
      const meta = sealedMeta(g, padded(hex('a0')));
      flipAt(meta, meta.length - 1);
      return meta;
    },
  }),
  vector('meta-length', 'ERR_MALFORMED', 'metadata of 93 bytes', { meta: () => random(93) }),
  vector('meta-no-block', 'ERR_MALFORMED', 'metadata of 28 bytes', { meta: (g) => sealedMeta(g, new Uint8Array(0)) }),
  vector('meta-padding', 'ERR_MALFORMED', 'padding of the metadata that is not zero', {
    meta: (g) => sealedMeta(g, concat(hex('a0'), new Uint8Array(62), hex('01'))),
  }),
  vector('meta-padding-block', 'ERR_MALFORMED', 'a block of padding too many', { meta: (g) => sealedMeta(g, padded(hex('a0'), 128)) }),
  vector('meta-key-3', 'ERR_MALFORMED', 'an unknown field below 24 in the metadata', { meta: (g) => sealedMeta(g, padded(hex('a1 03 01'))) }),
  vector('meta-name-integer', 'ERR_MALFORMED', 'a name that is an integer', { meta: (g) => sealedMeta(g, padded(hex('a1 01 01'))) }),
  vector('meta-array', 'ERR_MALFORMED', 'metadata that is an array', { meta: (g) => sealedMeta(g, padded(hex('80'))) }),
  vector('meta-long-integer', 'ERR_MALFORMED', 'a key of the metadata in more bytes than it needs', {
    meta: (g) => sealedMeta(g, padded(hex('a1 1801 60'))),
  }),
];

/** Somebody who can write the object, without any key: changes the metadata in both heads and their hashes. */
function forgeMeta(bytes: Uint8Array, { P, S }: Layout): Uint8Array {
  for (const at of [0, P + 2 * S]) {
    const region = bytes.subarray(at, at + P);
    const view = new DataView(region.buffer, region.byteOffset);
    const end = 64 + view.getUint32(12) + view.getUint32(16);
    flipAt(region, end - 1);
    region.set(hashLabel('waxseal/1 head', region.subarray(0, 32), region.subarray(64, end), region.subarray(P - 74)), 32);
  }
  return bytes;
}

const three = pattern(2 * FULL + 1000);
const SEGMENT = 4096;
const onPayload = (name: string, code: Code, about: string, segments: Recipe['segments'], more: Recipe = {}): Vector =>
  vector(`payload-${name}`, code, about, { plaintext: three, ...(segments === undefined ? {} : { segments }), ...more });
const changed = (name: string, code: Code, about: string, position: number, at: number | ((s: Uint8Array) => number), bit = 1): Vector =>
  onPayload(name, code, about, (s) => {
    const segment = s[position] ?? new Uint8Array();
    flipAt(segment, typeof at === 'number' ? at : at(segment), bit);
    return s;
  });

const TRUNCATED = 'ERR_TRUNCATED';
const TRAILING = 'ERR_TRAILING_DATA';
const cuts: readonly (readonly [string, string, (layout: Layout) => number])[] = [
  ['after-slot-a', 'the file ends behind slot A', ({ P, S }) => P + S],
  ['after-slots', 'the file ends behind the slots', ({ P, S }) => P + 2 * S],
  ['in-head1', 'the file ends inside the second head', ({ segments }) => segments - 1],
  ['after-head1', 'the file ends before the first segment', ({ segments }) => segments],
  ['in-marker', 'the file ends inside the first marker', ({ segments }) => segments + 3],
  ['in-segment-0', 'the file ends inside the first segment', ({ segments }) => segments + SEGMENT - 1],
  ['after-segment-0', 'the file ends between two segments', ({ segments }) => segments + SEGMENT],
  ['after-segment-1', 'the file ends before its final segment', ({ segments }) => segments + 2 * SEGMENT],
  ['in-final-segment', 'the file ends inside its final segment', ({ segments }) => segments + 2 * SEGMENT + 500],
  ['before-last-byte', 'the last byte is missing', ({ segments }) => segments + 2 * SEGMENT + 1000 + 31],
];

const payload: readonly Vector[] = [
  ...cuts.flatMap(([name, about, at]) =>
    [{}, { size: null }].map((more) =>
      vector(`cut-${name}${'size' in more ? '-unknown-size' : ''}`, TRUNCATED, `${about}${'size' in more ? '; no size in the core' : ''}`, {
        plaintext: three,
        ...more,
        object: (o, layout) => o.slice(0, at(layout)),
      }),
    ),
  ),
  onPayload('trailing-byte', TRAILING, 'a byte after the final segment', (s) => [...s, hex('00')]),
  onPayload('trailing-byte-unknown-size', TRAILING, 'a byte after the final segment; no size in the core', (s) => [...s, hex('00')], { size: null }),
  onPayload('trailing-segment', TRAILING, 'the final segment twice', ([a, b, c]) => [a, b, c, c] as Uint8Array[]),
  onPayload('size-smaller', [TRAILING, TRUNCATED], 'the size in the core is smaller than the payload', undefined, { size: three.length - 1 }),
  onPayload('size-larger', TRUNCATED, 'the size in the core is larger than the payload', undefined, { size: three.length + 1 }),
  vector('payload-empty-final', TRAILING, 'an empty final segment behind a full one, where the core has a size', {
    plaintext: pattern(FULL),
    emptyFinal: true,
  }),
  changed('marker', ['ERR_MALFORMED', AUTH], 'the marker of an internal segment changed', 0, 0, 0x80),
  changed('iv', AUTH, 'the IV of a segment changed', 1, 4),
  changed('ciphertext-0', AUTH, 'the first byte of the ciphertext changed', 0, 16),
  changed('ciphertext-1', AUTH, 'a byte in the middle of the ciphertext changed', 1, 2000),
  changed('ciphertext-final', AUTH, 'the ciphertext of the final segment changed', 2, 16),
  changed('tag', AUTH, 'the tag of a segment changed', 0, SEGMENT - 1),
  changed('tag-final', AUTH, 'the tag of the final segment changed', 2, (s) => s.length - 1),
  changed('final-marker-longer', TRUNCATED, 'the final marker says one byte more', 2, 3),
  onPayload('final-marker-shorter', TRAILING, 'the final marker says one byte less', (s) => {
    writeU32(s[2] ?? new Uint8Array(4), 0, 1000 + 31);
    return s;
  }),
  onPayload('final-marker-small', 'ERR_MALFORMED', 'the final marker is less than an empty segment has', (s) => {
    writeU32(s[2] ?? new Uint8Array(4), 0, 31);
    return s;
  }),
  onPayload('final-marker-large', 'ERR_MALFORMED', 'the final marker is more than a full segment has', (s) => {
    writeU32(s[2] ?? new Uint8Array(4), 0, SEGMENT + 1);
    return s;
  }),
  onPayload('final-marker-internal', TRUNCATED, 'the final segment has the marker of an internal one', (s) => {
    writeU32(s[2] ?? new Uint8Array(4), 0, 0xffffffff);
    return s;
  }),
  onPayload('internal-as-final', AUTH, 'the second segment marked as a full final one, and the rest cut off; no size in the core', ([a, b]) => {
    writeU32(b ?? new Uint8Array(4), 0, SEGMENT);
    return [a, b] as Uint8Array[];
  }, { size: null }),
  onPayload('final-shortened', AUTH, 'the final segment one byte shorter, with a marker that fits; no size in the core', ([a, b, c]) => {
    const shorter = (c ?? new Uint8Array(4)).slice(0, -1);
    writeU32(shorter, 0, shorter.length);
    return [a, b, shorter] as Uint8Array[];
  }, { size: null }),
  onPayload('segments-swapped', AUTH, 'two segments swapped', ([a, b, c]) => [b, a, c] as Uint8Array[]),
  onPayload('segment-repeated', AUTH, 'the first segment in the place of the second', ([a, , c]) => [a, a, c] as Uint8Array[]),
  onPayload('segment-dropped', AUTH, 'the first segment dropped; no size in the core', ([, b, c]) => [b, c] as Uint8Array[], { size: null }),
  onPayload('segment-of-another-object', AUTH, 'a segment of another object under the same key', ([, b, c]) => {
    const other = craft({ plaintext: three });
    return [other.object.slice(-(2 * SEGMENT + 1032), -(SEGMENT + 1032)), b, c] as Uint8Array[];
  }),
  onPayload('of-another-object', AUTH, 'the whole payload of another object', () => {
    const other = craft({ plaintext: three });
    return [other.object.slice(-(2 * SEGMENT + 1032))];
  }),
];

export const negative: readonly Vector[] = [...head, ...core, ...slots, ...lists, ...keys, ...bound, ...payload];
