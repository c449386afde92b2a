import { concat, writeU32 } from '../../../../src/bytes/index.ts';
import type { ErrorCode } from '../../../../src/errors/index.ts';
import { hashLabel } from '../../../../src/crypto/hash.ts';
import { listOfLength } from './block-positive.ts';
import { type BlockLayout, type BlockRecipe, craftBlock } from './craft-block.ts';
import { both, craft, entry, hex, key1, key2, padded, pattern, random, type Recipe, sealedMeta } from './craft.ts';
import { wrapLocal, type FixedVersion } from './fixed-key.ts';
import type { Vector } from './vector.ts';

/* What is refused in the layouts with a recipient block, and what erasing and exchanging layouts makes. */
type Code = ErrorCode | readonly ErrorCode[];
type Rule = Omit<BlockRecipe, 'layout'>;

const DAMAGED = 'ERR_HEADER_DAMAGED';
const AUTH = 'ERR_AUTHENTICATION';
const TRUNCATED = 'ERR_TRUNCATED';
const TRAILING = 'ERR_TRAILING_DATA';
const SEGMENT = 4096;
const three = pattern(2 * (SEGMENT - 32) + 1000);
const END = 2 * SEGMENT + 1032;

const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};
const of = (layout: BlockLayout, name: string, code: Code, about: string, rule: Rule, more: Partial<Vector> = {}): Vector => ({
  name: `${layout}-${name}`,
  code,
  about: `${layout}: ${about}`,
  make: () => craftBlock({ ...rule, layout }),
  ...more,
});
const other = (layout: BlockLayout): Uint8Array => {
  const { object, payload } = craftBlock({ layout, plaintext: three });
  return payload ?? object;
};
const otherVersion: FixedVersion = { ...key2, n: 1 };

function ofBoth(layout: BlockLayout): Vector[] {
  const vector = (name: string, code: Code, about: string, rule: Rule): Vector => of(layout, name, code, about, rule);
  const onPayload = (name: string, code: Code, about: string, segments: Recipe['segments'], more: Rule = {}): Vector =>
    vector(`payload-${name}`, code, about, { plaintext: three, ...(segments === undefined ? {} : { segments }), ...more });
  const cut = (name: string, about: string, length: number): Vector[] =>
    [{}, { size: null }].map((more) =>
      onPayload(`cut-${name}${'size' in more ? '-unknown-size' : ''}`, TRUNCATED, `${about}${'size' in more ? '; no size in the core' : ''}`, (s) => [concat(...s).slice(0, length)], more),
    );

  return [
    // Head
    vector('magic', 'ERR_NOT_SEALED', 'another magic', { prelude: (p) => flip(p, 0) }),
    vector('version-2', 'ERR_UNSUPPORTED_VERSION', 'format version 2', { prelude: (p) => p.set([2], 8) }),
    vector('reserved-11', 'ERR_MALFORMED', 'reserved byte 11 is not zero', { prelude: (p) => p.set([1], 11) }),
    vector('reserved-31', 'ERR_MALFORMED', 'reserved byte 31 is not zero', { prelude: (p) => p.set([1], 31) }),
    vector('core-length-0', 'ERR_LIMIT_EXCEEDED', 'core length 0', { prelude: (p) => writeU32(p, 12, 0) }),
    vector('meta-over-limit', 'ERR_LIMIT_EXCEEDED', 'metadata of 4 KiB and a byte', { meta: () => random(4097) }),
    vector('recipients-length-0', 'ERR_LIMIT_EXCEEDED', 'a recipient list of no bytes', { rawList: () => new Uint8Array(0) }),
    vector('recipients-length-over-limit', 'ERR_LIMIT_EXCEEDED', 'a recipient list of 65,473 bytes', { entries: listOfLength(65_473) }),
    vector('recipients-length-huge', 'ERR_LIMIT_EXCEEDED', 'recipientsLength FFFFFFFF', { prelude: (p) => writeU32(p, 20, 0xffffffff) }),
    vector('cut-prelude', TRUNCATED, 'the object ends inside its prelude', { object: (o) => o.slice(0, 31) }),
    vector('cut-core', TRUNCATED, 'the object ends inside its core', { object: (o, { meta }) => o.slice(0, meta - 1) }),
    vector('cut-floe-header', TRUNCATED, 'the object ends inside its FLOE header', { object: (o, { floeHeader }) => o.slice(0, floeHeader + 73) }),
    vector('floe-parameters', 'ERR_MALFORMED', 'the FLOE header is for another segment length than the core', { floeSegmentLength: 8192 }),
    vector('floe-tag', AUTH, 'the FLOE header tag changed, everywhere it stands', { floeHeader: (h) => flip(h, 73) }),
    vector('floe-iv', AUTH, 'the FLOE IV changed, everywhere it stands', { floeHeader: (h) => flip(h, 10) }),
    vector('core-trailing', 'ERR_MALFORMED', 'a byte after the core map', { rawCore: (_, bytes) => concat(bytes, hex('00')) }),
    vector('core-key-10', 'ERR_UNSUPPORTED_VERSION', 'unknown core field 10', { core: (f) => f.set(10, 1) }),
    vector('core-size-huge', 'ERR_LIMIT_EXCEEDED', 'a size of 2^53', { core: (f) => f.set(8, 2n ** 53n) }),
    vector('type-secrets', 'ERR_WRONG_TYPE', 'a secrets file, opened as data', { core: (f) => f.set(3, 3) }),
    vector('meta-length', 'ERR_MALFORMED', 'metadata of 93 bytes', { meta: () => random(93) }),
    vector('meta-tag', AUTH, 'metadata whose own tag is wrong, by somebody who holds the data key', {
      meta: (g) => flip(sealedMeta(g, padded(hex('a0'))), 91),
    }),
    vector('meta-array', 'ERR_MALFORMED', 'metadata that is an array', { meta: (g) => sealedMeta(g, padded(hex('80'))) }),

    // Recipient block
    vector('block-hash', DAMAGED, 'a wrong hash of the recipient block', { block: (b) => flip(b, 31) }),
    vector('block-list', DAMAGED, 'a bit of the recipient list changed', { block: (b) => flip(b, b.length - 1) }),
    vector('block-of-another-object', DAMAGED, 'a recipient block whose hash is bound to another object', { blockBind: hex('00'.repeat(32)) }),
    vector('block-without-label', DAMAGED, 'a block hash under the label of slots', {
      block: (b, g) => concat(hashLabel('waxseal/1 slot', g.bind, b.subarray(32)), b.subarray(32)),
    }),
    vector('block-erased', 'ERR_SHREDDED', 'a recipient block that was erased', { block: (b) => b.fill(0) }),
    vector('block-half-erased', DAMAGED, 'a recipient block of which only the hash was erased', { block: (b) => b.fill(0, 0, 32) }),
    vector('block-erased-but-a-bit', DAMAGED, 'a recipient block of zeros but for its last bit', { block: (b) => flip(b.fill(0), b.length - 1) }),
    vector('list-empty', DAMAGED, 'no recipients', { entries: () => [] }),
    vector('list-33', DAMAGED, '33 recipients', {
      entries: (g) => Array.from({ length: 33 }, (_, i) => entry(g, i === 0 ? {} : { uri: `local:other-${String(i)}` })),
    }),
    vector('list-trailing', DAMAGED, 'a byte after the list, within the block', { rawList: (list) => concat(list, hex('00')) }),
    vector('list-cut', DAMAGED, 'a list that ends inside an entry', { rawList: (list) => list.slice(0, -1) }),
    vector('list-map', DAMAGED, 'a list that is a map', { rawList: (list) => concat(hex('a1 01'), list.subarray(1)) }),
    vector('list-indefinite', DAMAGED, 'a list of indefinite length', { rawList: (list) => concat(hex('9f'), list.subarray(1), hex('ff')) }),
    vector('list-not-cbor', DAMAGED, 'a list that is no CBOR', { rawList: () => hex('ff') }),
    vector('entry-twice', DAMAGED, 'two entries with one URI, version and algorithm', { entries: (g) => [entry(g), entry(g)] }),
    vector('entry-long-wrap', DAMAGED, 'a wrap of 2 KiB and a byte', { entries: (g) => [entry(g, { change: (f) => f.set(4, random(2049)) })] }),

    // Data key
    vector('key-of-another-uri', 'ERR_NO_MATCHING_KEY', 'sealed to another key', { entries: (g) => [entry(g, { uri: 'local:other' })] }),
    vector('key-unknown-version', 'ERR_KEY_NOT_FOUND', 'the only entry is for a version that the keyring does not have', {
      entries: (g) => [entry(g, { version: key2 })],
    }),
    vector('wrap-of-another-object', AUTH, 'the wrap of this data key for another object', {
      entries: (g) => [entry(g, { wrap: wrapLocal(key1, g.dataKey, random(32)) })],
    }),
    vector('wrap-of-another-data-key', AUTH, 'a wrap for this object of another data key: the header tag refuses it', {
      entries: (g) => [entry(g, { wrap: wrapLocal(key1, random(32), g.bind) })],
    }),
    vector('wrap-under-another-key', AUTH, 'a wrap under another key of the same name and version', {
      entries: (g) => [entry(g, { wrap: wrapLocal(otherVersion, g.dataKey, g.bind) })],
    }),

    // Payload
    ...cut('at-first-segment', 'the payload ends before its first segment', 0),
    ...cut('in-marker', 'the payload ends inside its first marker', 3),
    ...cut('in-segment-0', 'the payload ends inside its first segment', SEGMENT - 1),
    ...cut('after-segment-0', 'the payload ends between two segments', SEGMENT),
    ...cut('after-segment-1', 'the payload ends before its final segment', 2 * SEGMENT),
    ...cut('before-last-byte', 'the last byte is missing', END - 1),
    onPayload('trailing-byte', TRAILING, 'a byte after the final segment', (s) => [...s, hex('00')]),
    onPayload('trailing-byte-unknown-size', TRAILING, 'a byte after the final segment; no size in the core', (s) => [...s, hex('00')], { size: null }),
    onPayload('trailing-segment', TRAILING, 'the final segment twice', ([a, b, c]) => [a, b, c, c] as Uint8Array[]),
    onPayload('size-larger', TRUNCATED, 'the size in the core is larger than the payload', undefined, { size: three.length + 1 }),
    onPayload('size-smaller', [TRAILING, TRUNCATED], 'the size in the core is smaller than the payload', undefined, { size: three.length - 1 }),
    onPayload('ciphertext', AUTH, 'a byte of the ciphertext changed', (s) => [flip(s[0] ?? hex(''), 2000), ...s.slice(1)]),
    onPayload('tag-final', AUTH, 'the tag of the final segment changed', ([a, b, c]) => [a, b, flip(c ?? hex(''), 1031)] as Uint8Array[]),
    onPayload('segments-swapped', AUTH, 'two segments swapped', ([a, b, c]) => [b, a, c] as Uint8Array[]),
    onPayload('segments-of-another-object', AUTH, 'all segments of another object, behind the right FLOE header', () => [other(layout).slice(-END)]),
  ];
}

const compact = (name: string, code: Code, about: string, rule: Rule): Vector => of('compact', name, code, about, rule);
const detached = (name: string, code: Code, about: string, rule: Rule): Vector => of('detached', name, code, about, rule);
const lengthBy = (change: number) => (prelude: Uint8Array): void => {
  const view = new DataView(prelude.buffer);
  view.setUint32(20, view.getUint32(20) + change);
};

const onlyCompact: readonly Vector[] = [
  compact('recipients-length-one-more', 'ERR_MALFORMED', 'recipientsLength is one more: the FLOE header is read a byte late', { prelude: lengthBy(1) }),
  compact('recipients-length-one-less', 'ERR_MALFORMED', 'recipientsLength is one less: the FLOE header is read a byte early', { prelude: lengthBy(-1) }),
  compact('cut-block', TRUNCATED, 'the object ends inside its recipient block', { object: (o, { floeHeader }) => o.slice(0, floeHeader - 1) }),
  compact('cut-before-block', TRUNCATED, 'the object ends before its recipient block', { object: (o, { block }) => o.slice(0, block) }),
  compact('core-changed', DAMAGED, 'a letter of the context changed: the recipient block tells', {
    context: { a: 'b' },
    object: (o, { core }) => flip(o, o.indexOf(0x62, o.indexOf(0x61, core + 27))),
  }),
  compact('meta-changed', AUTH, 'a bit of the metadata changed: the FLOE header tag tells', {
    meta: (g) => sealedMeta(g, padded(hex('a0'))),
    object: (o, { meta }) => flip(o, meta + 50),
  }),
  compact('floe-header-of-another-object', AUTH, 'the FLOE header of another object', {
    object: (o, { floeHeader }) => {
      const foreign = craftBlock({ layout: 'detached' }).payload ?? hex('');
      o.set(foreign.subarray(0, 74), floeHeader);
      return o;
    },
  }),
];

const onlyDetached: readonly Vector[] = [
  detached('head-hash', DAMAGED, 'a wrong head hash', { headHash: (h) => flip(h, 0) }),
  detached('core-changed', DAMAGED, 'a bit of the core changed', { object: (o, { core }) => flip(o, core + 5) }),
  detached('header-floe-changed', DAMAGED, 'a bit of the FLOE header changed in the header only', { object: (o, { floeHeader }) => flip(o, floeHeader + 20) }),
  detached('recipients-length-one-more', DAMAGED, 'recipientsLength is one more: the recipient block is cut off', { prelude: lengthBy(1) }),
  detached('recipients-length-one-less', DAMAGED, 'recipientsLength is one less', { prelude: lengthBy(-1) }),
  detached('cut-block', DAMAGED, 'the header ends inside its recipient block', { object: (o) => o.slice(0, -1) }),
  detached('cut-before-block', DAMAGED, 'the header ends before its recipient block', { object: (o, { block }) => o.slice(0, block) }),
  detached('cut-erased-block', DAMAGED, 'an erased recipient block of which the last byte is missing', { block: (b) => b.fill(0), object: (o) => o.slice(0, -1) }),
  detached('header-alone', 'ERR_PAYLOAD_NOT_FOUND', 'the header without its payload', { payload: () => undefined }),
  detached('payload-no-bytes', TRUNCATED, 'a payload of no bytes', { payload: () => new Uint8Array(0) }),
  detached('payload-cut-in-header', TRUNCATED, 'the payload ends inside its FLOE header', { payload: (p) => p.slice(0, 73) }),
  ...[0, 9, 10, 42, 73].map((at) =>
    detached(`payload-header-changed-${String(at)}`, AUTH, `byte ${String(at)} of the payload's FLOE header changed`, { payload: (p) => flip(p, at) }),
  ),
  detached('payload-of-another-object', AUTH, 'the payload of another object under the same key', { plaintext: three, payload: () => other('detached') }),
  detached('payload-without-header', AUTH, 'the payload without its FLOE header', { plaintext: three, payload: (p) => p.slice(74) }),
  detached('payload-behind-a-byte', AUTH, 'a byte before the payload', { payload: (p) => concat(hex('00'), p) }),
];

/** Layout byte of one layout over the parts of another; head hashes are right for it. */
const swapped: readonly Vector[] = [
  swap('attached', 'compact', 'ERR_MALFORMED', () => craft({ prelude: (p) => p.set([2], 9) })),
  swap('attached', 'detached', DAMAGED, () => craft({ prelude: (p) => p.set([3], 9) })),
  swap('compact', 'attached', 'ERR_LIMIT_EXCEEDED', () => craftBlock({ layout: 'compact', prelude: (p) => p.set([1], 9) })),
  swap('compact', 'detached', DAMAGED, () => craftBlock({ layout: 'compact', prelude: (p) => p.set([3], 9) })),
  swap('detached', 'attached', 'ERR_LIMIT_EXCEEDED', () => craftBlock({ layout: 'detached', prelude: (p) => p.set([1], 9) })),
  swap('detached', 'compact', 'ERR_MALFORMED', () => craftBlock({ layout: 'detached', prelude: (p) => p.set([2], 9) })),
  {
    name: 'layout-compact-with-payload',
    code: 'ERR_UNEXPECTED_OBJECT',
    about: 'a compact object, read with a payload besides',
    make: () => ({ ...craftBlock({ layout: 'compact' }), payload: other('detached') }),
  },
  {
    name: 'layout-attached-with-payload',
    code: 'ERR_UNEXPECTED_OBJECT',
    about: 'an attached object, read with a payload besides',
    make: () => ({ ...craft({}), payload: other('detached') }),
  },
];

function swap(from: string, to: string, code: Code, make: Vector['make']): Vector {
  return { name: `layout-${from}-as-${to}`, code, about: `an object of the ${from} layout that says it is ${to}`, make };
}

const erased: readonly Vector[] = [
  {
    name: 'slots-erased',
    code: 'ERR_SHREDDED',
    about: 'both slots were erased',
    make: () => craft({ slots: () => [new Uint8Array(4096), new Uint8Array(4096)] }),
  },
  {
    name: 'slots-erased-large',
    code: 'ERR_SHREDDED',
    about: 'both slots of 12 KiB were erased',
    make: () => craft({ slotSize: 12_288, slots: () => [new Uint8Array(12_288), new Uint8Array(12_288)] }),
  },
  {
    name: 'slots-erased-but-a-bit',
    code: DAMAGED,
    about: 'slots of zeros but for the last bit of B',
    make: () => craft({ slots: () => [new Uint8Array(4096), flip(new Uint8Array(4096), 4095)] }),
  },
  {
    name: 'slots-one-erased-one-damaged',
    code: DAMAGED,
    about: 'slot A was erased, the hash of B is wrong',
    make: () => craft({ slots: (g, list) => [new Uint8Array(4096), both(g, list, { hash: (h) => flip(h, 0) })[1]] }),
  },
  {
    name: 'slots-erased-and-cut',
    code: DAMAGED,
    about: 'slots of zeros, and the file ends inside B',
    make: () => craft({ slots: () => [new Uint8Array(4096), new Uint8Array(4096)], object: (o, { P, S }) => o.slice(0, P + 2 * S - 1) }),
  },
];

export const blockNegative: readonly Vector[] = [
  ...ofBoth('compact'),
  ...ofBoth('detached'),
  ...onlyCompact,
  ...onlyDetached,
  ...swapped,
  ...erased,
];
