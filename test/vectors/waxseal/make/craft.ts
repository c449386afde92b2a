import { createCipheriv, createHmac, randomFillSync } from 'node:crypto';
import { type CborMap, type CborValue, concat, encodeCbor, writeU32, writeU64 } from '../../../../src/bytes/index.ts';
import { encryptSegment, startEncryption } from '../../../../src/crypto/floe/segments.ts';
import { hashLabel, sha256 } from '../../../../src/crypto/hash.ts';
import { expandLabel } from '../../../../src/crypto/hkdf.ts';
import { type FixedVersion, versionOf, wrapLocal } from './fixed-key.ts';
import { NOW_MS } from './random.ts';

/**
 * Builds objects that may break any single rule, and no other: every hash, wrap, tag and AAD after the broken place is
 * computed over what really stands there.
 */
export interface Made {
  /** The header of a detached object. */
  readonly object: Uint8Array;
  /** Of a detached object; absent as well where the reader is to miss it. */
  readonly payload?: Uint8Array;
  readonly dataKey: Uint8Array;
  readonly core: Uint8Array;
  readonly bind: Uint8Array;
}

/** What the later parts of an object are computed from. */
export interface Ground {
  readonly dataKey: Uint8Array;
  readonly core: Uint8Array;
  readonly bind: Uint8Array;
  readonly slotSize: number;
}

export interface Layout {
  /** P, S and the start of the segments. */
  readonly P: number;
  readonly S: number;
  readonly segments: number;
}

export interface Recipe {
  readonly plaintext?: Uint8Array;
  readonly segmentLength?: number;
  /** `size` in the core; that of the plaintext by default, `null` for none. */
  readonly size?: number | null;
  readonly context?: Readonly<Record<string, string>>;
  /** Changes the core before it is encoded. */
  readonly core?: (fields: Map<number | string, CborValue>) => void;
  /** The core's bytes, made from its encoded fields. */
  readonly rawCore?: (pairs: Pair[], canonical: Uint8Array) => Uint8Array;
  readonly meta?: (ground: Ground) => Uint8Array;
  readonly entries?: (ground: Ground) => readonly CborValue[];
  readonly rawList?: (list: Uint8Array, ground: Ground) => Uint8Array;
  readonly slotSize?: number;
  /** Slot A and B; both with the list and generation 1 by default. */
  readonly slots?: (ground: Ground, list: Uint8Array) => readonly [Uint8Array, Uint8Array];
  readonly floeHeader?: (header: Uint8Array) => void;
  /** The segment length that FLOE is told, where it is not the core's. */
  readonly floeSegmentLength?: number;
  readonly prelude?: (prelude: Uint8Array) => void;
  readonly headHash?: (hash: Uint8Array) => void;
  readonly segments?: (segments: Uint8Array[], ground: Ground) => readonly Uint8Array[];
  /** Empty final segment behind full ones, as FLOE allows and our writer never makes. */
  readonly emptyFinal?: boolean;
  readonly object?: (object: Uint8Array, layout: Layout) => Uint8Array;
}

export type Pair = [key: Uint8Array, value: Uint8Array];

export const key1: FixedVersion = { n: 1, keyId: fill(16, 0x10), kek: fill(32, 0x40) };
export const key2: FixedVersion = { n: 2, keyId: fill(16, 0x20), kek: fill(32, 0x60) };
export const recoveryKey: FixedVersion = { n: 1, keyId: fill(16, 0x30), kek: fill(32, 0x80) };
/** The key that every vector is opened with, unless it says otherwise. */
export const URI = 'local:vectors';
export const RECOVERY_URI = 'local:recovery';

function fill(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => from + i);
}

/** Plaintext of the vectors: byte i is (i * 7 + i div 256) mod 256. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

export function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** An entry for a fresh wrap, with a tag over its final fields. */
export function entry(
  { dataKey, bind }: Pick<Ground, 'dataKey' | 'bind'>,
  options: {
    readonly uri?: string;
    readonly version?: FixedVersion;
    readonly wrap?: Uint8Array;
    readonly change?: (fields: Map<number | string, CborValue>) => void;
    readonly tagged?: boolean;
  } = {},
): CborMap {
  const { uri = URI, version = key1, wrap = wrapLocal(version, dataKey, bind), change, tagged = true } = options;
  const fields = new Map<number | string, CborValue>([
    [1, uri],
    [2, versionOf(version)],
    [3, 1],
    [4, wrap],
    [5, NOW_MS / 1000],
  ]);
  change?.(fields);
  if (tagged) {
    const tagKey = expandLabel(dataKey, 'waxseal/1 entry', [bind], 32);
    fields.set(9, new Uint8Array(createHmac('sha256', tagKey).update(encodeCbor(fields)).digest().subarray(0, 16)));
  }
  return fields;
}

/** A map with exactly these encoded keys and values, in this order. */
export function rawMap(pairs: readonly Pair[]): Uint8Array {
  return concat(Uint8Array.of(0xa0 + pairs.length), ...pairs.flat());
}

export function rawPairs(fields: CborMap): Pair[] {
  return [...fields].map(([key, value]) => [encodeCbor(key), encodeCbor(value)]);
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** A slot whose hash is right for whatever stands in it. */
export function slot(
  { bind, slotSize }: Pick<Ground, 'bind' | 'slotSize'>,
  index: number,
  list: Uint8Array,
  options: {
    readonly generation?: number | bigint;
    readonly header?: (header: Uint8Array) => void;
    readonly bind?: Uint8Array;
    readonly hash?: (hash: Uint8Array) => void;
    readonly padding?: number;
  } = {},
): Uint8Array {
  const header = new Uint8Array(32);
  header.set([0x57, 0x58, 0x53, 0x4c, index]);
  writeU64(header, 8, options.generation ?? 1);
  writeU32(header, 16, list.length);
  writeU32(header, 20, slotSize);
  options.header?.(header);
  const hash = hashLabel('waxseal/1 slot', options.bind ?? bind, header, list);
  options.hash?.(hash);
  const out = new Uint8Array(slotSize).fill(options.padding ?? 0);
  out.set(header);
  out.set(hash, 32);
  out.set(list.subarray(0, slotSize - 64), 64);
  return out;
}

export function both(ground: Pick<Ground, 'bind' | 'slotSize'>, list: Uint8Array, options: Parameters<typeof slot>[3] = {}): [Uint8Array, Uint8Array] {
  return [slot(ground, 0, list, options), slot(ground, 1, list, options)];
}

/** AES-256-GCM of private metadata, of any padded bytes. */
export function sealedMeta({ dataKey, bind }: Ground, padded: Uint8Array): Uint8Array {
  const nonce = random(12);
  const cipher = createCipheriv('aes-256-gcm', expandLabel(dataKey, 'waxseal/1 meta', [bind], 32), nonce);
  cipher.setAAD(bind);
  const ciphertext = cipher.update(padded);
  cipher.final();
  return concat(nonce, ciphertext, cipher.getAuthTag());
}

export function padded(bytes: Uint8Array, length = Math.ceil(bytes.length / 64) * 64): Uint8Array {
  const out = new Uint8Array(length);
  out.set(bytes);
  return out;
}

/** The parts of an object, in the order in which they were made. */
export interface Parts<Recipients> extends Ground {
  readonly meta: Uint8Array;
  readonly recipients: Recipients;
  readonly floeHeader: Uint8Array;
  readonly segments: readonly Uint8Array[];
}

/** What every layout's recipe says. */
export type PartsRecipe = Omit<Recipe, 'slots' | 'object'>;

/** Makes the parts; how the recipients stand is the layout's. */
export function craftParts<R>(recipe: PartsRecipe, recipientsOf: (ground: Ground, list: Uint8Array) => R): Parts<R> {
  const { plaintext = pattern(100), segmentLength = 4096, slotSize = 4096 } = recipe;
  const fields = new Map<number | string, CborValue>([
    [1, 1],
    [2, random(16)],
    [3, 1],
    [4, 1],
    [5, segmentLength],
    [6, new Map(Object.entries(recipe.context ?? {}))],
    [7, NOW_MS / 1000],
  ]);
  if (recipe.size !== null) fields.set(8, recipe.size ?? plaintext.length);
  recipe.core?.(fields);
  const core = recipe.rawCore?.(rawPairs(fields), encodeCbor(fields)) ?? encodeCbor(fields);
  const bind = hashLabel('waxseal/1 bind', core);
  const dataKey = random(32);
  const ground: Ground = { dataKey, core, bind, slotSize };

  const list = encodeCbor(recipe.entries?.(ground) ?? [entry(ground)]);
  const recipients = recipientsOf(ground, recipe.rawList?.(list, ground) ?? list);

  const meta = recipe.meta?.(ground) ?? new Uint8Array(0);
  const aad = concat(new TextEncoder().encode('waxseal/1 object\0'), bind, sha256(meta));
  const params = { segmentLength: recipe.floeSegmentLength ?? segmentLength };
  const { state, header: floeHeader } = startEncryption(dataKey, aad, params);
  const full = params.segmentLength - 32;
  const count = Math.max(1, Math.ceil(plaintext.length / full)) + (recipe.emptyFinal === true ? 1 : 0);
  const made = Array.from({ length: count }, (_, i) =>
    encryptSegment(state, plaintext.subarray(i * full, (i + 1) * full), i, i === count - 1),
  );
  const segments = recipe.segments?.(made, ground) ?? made;
  recipe.floeHeader?.(floeHeader);
  return { ...ground, meta, recipients, floeHeader, segments };
}

/** Prelude of a layout, by its number, and the bytes of a slot or list. */
export function craftPrelude(recipe: PartsRecipe, { core, meta }: Parts<unknown>, layout: number, size: number): Uint8Array {
  const prelude = new Uint8Array(32);
  prelude.set([0x89, 0x57, 0x41, 0x58, 0x0d, 0x0a, 0x1a, 0x0a, 1, layout]);
  writeU32(prelude, 12, core.length);
  writeU32(prelude, 16, meta.length);
  writeU32(prelude, 20, size);
  recipe.prelude?.(prelude);
  return prelude;
}

/** The head hash over what really stands in the head. */
export function craftHeadHash(recipe: PartsRecipe, prelude: Uint8Array, { core, meta, floeHeader }: Parts<unknown>): Uint8Array {
  const hash = hashLabel('waxseal/1 head', prelude, core, meta, floeHeader);
  recipe.headHash?.(hash);
  return hash;
}

/** An object of the attached layout. */
export function craft(recipe: Recipe): Made {
  const parts = craftParts(recipe, (ground, list) => recipe.slots?.(ground, list) ?? both(ground, list));
  const { dataKey, core, bind, slotSize, meta, recipients: slots, floeHeader, segments } = parts;
  const prelude = craftPrelude(recipe, parts, 1, slotSize);
  const hash = craftHeadHash(recipe, prelude, parts);
  const P = Math.ceil((138 + core.length + meta.length) / 4096) * 4096;
  const head = new Uint8Array(P);
  head.set(concat(prelude, hash, core, meta));
  head.set(floeHeader, P - 74);
  const object = concat(head, ...slots, head, ...segments);
  const layout = { P, S: slotSize, segments: 2 * P + 2 * slotSize };
  return { object: recipe.object?.(object, layout) ?? object, dataKey, core, bind };
}
