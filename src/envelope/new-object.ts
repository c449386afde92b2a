import { toHex } from '../bytes/index.ts';
import { createHeader } from '../crypto/floe/header.ts';
import { FLOE_IV_LENGTH, resolveParams } from '../crypto/floe/params.ts';
import { SEGMENT_IV_LENGTH } from '../crypto/floe/segment-cipher.ts';
import { createState, type FloeState } from '../crypto/floe/state.ts';
import { randomPublic, randomTogether, zero } from '../crypto/secrets.ts';
import type { EventFacts, Observe } from '../keys/observer.ts';
import { bindOf, type Core, encodeCore } from './format/core.ts';
import { geometryOf } from './format/geometry.ts';
import { objectAad } from './format/head.ts';
import { type Layout, requireLayout } from './format/layout.ts';
import { DEFAULT_SEGMENT, ID_LENGTH, MAX_SEGMENT, MAX_SLOT, MIN_SEGMENT, OBJECT_TYPE, PAGE } from './format/limits.ts';
import { type PrivateMetadata, sealedMetaLength, sealMeta } from './format/meta.ts';
import { assertDistinct, encodeRecipients, entryTagKey, type Recipient } from './format/recipients.ts';
import { encodePrefix } from './format/prefix.ts';
import { slotCapacity } from './format/slot.ts';
import { freshRecipient, freshRecipients } from './fresh-recipients.ts';
import type { MasterKey } from './keys-input.ts';
import { Quorum } from './quorum/quorum.ts';
import { type DataKeyProvider, generateVerified, makesDataKeys } from './wrap-verified.ts';

const DATA_KEY_LENGTH = 32;

/** What a sealer decides about an object. */
export interface ObjectShape {
  /** Public, authenticated text about the object: whose it is, what it is for. At most 4 KiB. */
  readonly context?: Readonly<Record<string, string>> | undefined;
  /** Private facts, encrypted in the head. At most 4 KiB. */
  readonly metadata?: PrivateMetadata | undefined;
  /** Bytes of an encrypted segment, 4 KiB to 4 MiB; 256 KiB by default. */
  readonly segmentLength?: number | undefined;
  /**
   * Where the parts stand; `attached` by default, which rewraps in place. `compact` for short messages and database
   * values, `detached` for payloads in stores where nothing can be rewritten.
   */
  readonly layout?: Layout | undefined;
  /**
   * Attached: bytes of each recipient slot, a multiple of 4 KiB up to 64 KiB; what the recipients need twice, by
   * default.
   */
  readonly slotSize?: number | undefined;
}

export interface NewObjectOptions extends ObjectShape {
  /** Plaintext bytes, when known. */
  readonly size?: number | undefined;
  /** Slots at least that large, in bytes: the room that an older object had. */
  readonly minSlotSize?: number | undefined;
  /** Also make the state that reads the object back. */
  readonly proof?: boolean | undefined;
  /** Awaited before and after every use of a key; throwing before vetoes it. */
  readonly observe?: Observe | undefined;
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An object about to be written: everything before its segments, and the state that encrypts them. */
export interface NewObject {
  readonly id: string;
  readonly segmentLength: number;
  readonly recipients: readonly Recipient[];
  readonly layout: Layout;
  /** The header of a detached object. */
  readonly header: Uint8Array | undefined;
  /** All that stands before the first segment. */
  readonly prefix: Uint8Array;
  /** The writer closes it. */
  readonly state: FloeState;
  /** Reads back what was written, where that was asked for. The writer closes it. */
  readonly proof: FloeState | undefined;
}

/** The core that sealing makes. */
export function newCore(shape: ObjectShape, size: number | undefined, id: Uint8Array): Core {
  const segmentLength = shape.segmentLength ?? DEFAULT_SEGMENT;
  if (!Number.isSafeInteger(segmentLength) || segmentLength < MIN_SEGMENT || segmentLength > MAX_SEGMENT) {
    throw new RangeError(`segmentLength must be ${String(MIN_SEGMENT)} to ${String(MAX_SEGMENT)} bytes`);
  }
  if (size !== undefined && (!Number.isSafeInteger(size) || size < 0)) {
    throw new RangeError('size must be a number of bytes');
  }
  const context = shape.context ?? {};
  for (const [key, value] of Object.entries(context)) {
    if (typeof value !== 'string') throw new TypeError(`the context value of "${key}" must be a string`);
    if (!key.isWellFormed() || !value.isWellFormed())
      throw new TypeError(`the context of "${key}" is not valid Unicode`);
  }
  return {
    id,
    type: OBJECT_TYPE.data,
    segmentLength,
    context,
    created: Math.floor(Date.now() / 1000),
    size,
  };
}

/** The slot size that leaves room for twice the recipients and 1 KiB more. */
export function chooseSlotSize(listLength: number, wanted: number | undefined): number {
  if (wanted !== undefined) {
    if (!Number.isSafeInteger(wanted) || wanted < PAGE || wanted > MAX_SLOT || wanted % PAGE !== 0) {
      throw new RangeError(`slotSize must be a multiple of ${String(PAGE)} up to ${String(MAX_SLOT)} bytes`);
    }
    if (slotCapacity(wanted) < listLength) {
      throw new RangeError(`slotSize is too small: the recipients need ${String(listLength)} bytes`);
    }
    return wanted;
  }
  return Math.min(MAX_SLOT, Math.ceil((2 * listLength + 1024) / PAGE) * PAGE);
}

/** Bytes before the first segment of an object with this core and metadata. */
export function payloadOffset(core: Core, { metadata, layout }: ObjectShape, recipientsSize: number): number {
  const lengths = { coreLength: encodeCore(core).length, metaLength: sealedMetaLength(metadata), recipientsSize };
  return geometryOf({ ...lengths, layout: requireLayout(layout) }).segments;
}

/**
 * Draws a data key (or has the first key that makes them make one), wraps it for every key, proves each wrap, and lays out the head.
 *
 * @throws what `wrapVerified` throws; RangeError and TypeError for options outside the format
 */
export function newObject(keys: readonly MasterKey[], options: NewObjectOptions): Promise<NewObject> {
  return makeObject(keys, options, FLOE_IV_LENGTH, (object) => object);
}

/**
 * As {@link newObject}, for a plaintext that is at hand.
 *
 * @param use called in the step in which the IVs were drawn: `iv` is fresh for the first segment of a plaintext that
 * `use` encrypts before it returns, and for nothing else
 */
export function newObjectAtOnce<T>(
  keys: readonly MasterKey[],
  options: NewObjectOptions,
  use: (object: NewObject, iv: Uint8Array) => T,
): Promise<T> {
  // In one draw, which takes as long as half a kilobyte of cipher.
  return makeObject(keys, options, FLOE_IV_LENGTH + SEGMENT_IV_LENGTH, use);
}

async function makeObject<T>(
  keys: readonly MasterKey[],
  options: NewObjectOptions,
  ivLength: number,
  use: (object: NewObject, iv: Uint8Array) => T,
): Promise<T> {
  const layout = requireLayout(options.layout);
  if (layout !== 'attached' && options.slotSize !== undefined) {
    throw new TypeError(`slotSize goes with the attached layout; the ${layout} one has no slots`);
  }
  const generator = keys.find((key) => !(key instanceof Quorum) && makesDataKeys(key)) as DataKeyProvider | undefined;
  const { known, secret } = randomTogether(ID_LENGTH, generator === undefined ? DATA_KEY_LENGTH : 0);
  const core = newCore(options, options.size, known);
  const coreBytes = encodeCore(core);
  const bind = bindOf(coreBytes);
  const id = toHex(core.id);
  const facts = (): EventFacts => ({ objectId: id, bind: toHex(bind), context: core.context });
  options.signal?.throwIfAborted();
  const generated = generator && (await generateVerified(generator, bind, facts, options));
  const dataKey = generated?.dataKey ?? secret;
  const tagKey = entryTagKey(dataKey, bind);
  try {
    const recipients: Recipient[] = [];
    for (const key of keys) {
      options.signal?.throwIfAborted();
      const material = { dataKey, bind, tagKey };
      const fresh =
        generated !== undefined && key === generator
          ? [freshRecipient(generated, material)]
          : await freshRecipients(key, material, facts, options);
      recipients.push(...fresh.map(({ recipient }) => recipient));
    }
    assertDistinct(recipients, 'the new object');
    const list = encodeRecipients(recipients);
    const slotSize = Math.max(options.minSlotSize ?? 0, chooseSlotSize(list.length, options.slotSize));
    const shape = layout === 'attached' ? { layout, slotSize, generation: 1 } : { layout };
    const meta = options.metadata === undefined ? new Uint8Array(0) : sealMeta(options.metadata, dataKey, bind);
    const aad = objectAad(bind, meta);
    const ivs = randomPublic(ivLength);
    const params = resolveParams({ segmentLength: core.segmentLength });
    const { message, header: floeHeader } = createHeader(dataKey, aad, params, ivs.slice(0, FLOE_IV_LENGTH));
    const state = createState('encrypt', message, dataKey);
    const proof = options.proof === true ? createState('decrypt', message, dataKey) : undefined;
    const head = encodePrefix({ coreBytes, meta, floeHeader, bind }, list, shape, 'the new object');
    const object: NewObject = {
      id,
      segmentLength: core.segmentLength,
      recipients,
      layout,
      header: layout === 'detached' ? head : undefined,
      prefix: layout === 'detached' ? floeHeader : head,
      state,
      proof,
    };
    return use(object, ivs.subarray(FLOE_IV_LENGTH));
  } finally {
    zero(dataKey, tagKey);
  }
}
