import { concat, toHex } from '../bytes/index.ts';
import { type FloeState, startEncryption } from '../crypto/floe/segments.ts';
import { randomPublic, randomSecret, zero } from '../crypto/secrets.ts';
import type { Observe } from '../keys/observer.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { bindOf, type Core, encodeCore } from './format/core.ts';
import { geometryOf } from './format/geometry.ts';
import { encodeHead, objectAad } from './format/head.ts';
import { DEFAULT_SEGMENT, ID_LENGTH, MAX_SEGMENT, MAX_SLOT, MIN_SEGMENT, OBJECT_TYPE, PAGE } from './format/limits.ts';
import { type PrivateMetadata, sealedMetaLength, sealMeta } from './format/meta.ts';
import { assertDistinct, encodeRecipients, entryTagKey, makeRecipient, type Recipient } from './format/recipients.ts';
import { encodeSlot, slotCapacity } from './format/slot.ts';
import { wrapVerified } from './wrap-verified.ts';

/** What a sealer decides about an object. */
export interface ObjectShape {
  /** Public, authenticated text about the object: whose it is, what it is for. At most 4 KiB. */
  readonly context?: Readonly<Record<string, string>> | undefined;
  /** Private facts, encrypted in the head. At most 4 KiB. */
  readonly metadata?: PrivateMetadata | undefined;
  /** Bytes of an encrypted segment, 4 KiB to 4 MiB; 256 KiB by default. */
  readonly segmentLength?: number | undefined;
  /** Bytes of each recipient slot, a multiple of 4 KiB up to 64 KiB; what the recipients need twice, by default. */
  readonly slotSize?: number | undefined;
}

export interface NewObjectOptions extends ObjectShape {
  readonly size?: number | undefined;
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An object about to be written: everything before its segments, and the state that encrypts them. */
export interface NewObject {
  readonly id: string;
  readonly segmentLength: number;
  readonly recipients: readonly Recipient[];
  /** Head, slots and second head: all that stands before the first segment. */
  readonly prefix: Uint8Array;
  /** The writer closes it. */
  readonly state: FloeState;
}

/** The core that sealing makes. */
export function newCore(shape: ObjectShape, size: number | undefined): Core {
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
    id: randomPublic(ID_LENGTH),
    type: OBJECT_TYPE.data,
    segmentLength,
    context,
    created: Math.floor(Date.now() / 1000),
    size,
  };
}

/** The slot size that leaves room for twice the recipients and 1 KiB more. */
function chooseSlotSize(listLength: number, wanted: number | undefined): number {
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

/** Bytes before the first segment of an object with this core, metadata and slot size. */
export function prefixLength(core: Core, metadata: PrivateMetadata | undefined, slotSize: number): number {
  return geometryOf({
    coreLength: encodeCore(core).length,
    metaLength: sealedMetaLength(metadata),
    recipientsSize: slotSize,
  }).segments;
}

/**
 * Draws a data key, wraps it for every key, proves each wrap, and lays out the head.
 *
 * @throws what `wrapVerified` throws; RangeError and TypeError for options outside the format
 */
export async function newObject(keys: readonly KeyProvider[], options: NewObjectOptions): Promise<NewObject> {
  const core = newCore(options, options.size);
  const encodedCore = encodeCore(core);
  const bind = bindOf(encodedCore);
  const id = toHex(core.id);
  const facts = { objectId: id, bind: toHex(bind), context: core.context };
  const dataKey = randomSecret(32);
  const tagKey = entryTagKey(dataKey, bind);
  try {
    const recipients: Recipient[] = [];
    for (const key of keys) {
      options.signal?.throwIfAborted();
      const wrapped = await wrapVerified(key, dataKey, bind, facts, options);
      recipients.push(makeRecipient(wrapped, Math.floor(Date.now() / 1000), tagKey));
    }
    assertDistinct(recipients, 'the new object');
    const list = encodeRecipients(recipients);
    const slotSize = chooseSlotSize(list.length, options.slotSize);
    const meta = options.metadata === undefined ? new Uint8Array(0) : sealMeta(options.metadata, dataKey, bind);
    const slots = ([0, 1] as const).map((index) => encodeSlot(index, 1, list, slotSize, bind, 'the new object'));
    const params = { segmentLength: core.segmentLength };
    const { state, header } = startEncryption(dataKey, objectAad(bind, meta), params);
    const head = encodeHead(encodedCore, meta, slotSize, header);
    const prefix = concat(head, ...slots, head);
    return { id, segmentLength: core.segmentLength, recipients, prefix, state };
  } finally {
    zero(dataKey, tagKey);
  }
}
