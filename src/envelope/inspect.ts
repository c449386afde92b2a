import { toHex } from '../bytes/index.ts';
import { refuseUnknownOptions } from '../errors/index.ts';
import { isSteady, slotsByPreference } from './choose-slot.ts';
import { FLAG, type Recipient } from './format/recipients.ts';
import { load } from './load.ts';
import { typeName } from './opened-object.ts';
import { openSource, type SealedSource } from './source.ts';

export interface InspectedRecipient {
  readonly uri: string;
  readonly version: string;
  readonly algorithm: number;
  readonly wrappedAt: Date | undefined;
  readonly blind: boolean;
  readonly retiring: boolean;
  /** False for a kind of entry that this version of waxseal does not know; it is carried along untouched. */
  readonly supported: boolean;
}

/** What the head of an object says. No key was used: nothing of this has been authenticated. */
export interface Inspection {
  readonly formatVersion: 1;
  readonly layout: 'attached';
  readonly id: string;
  readonly bind: string;
  readonly type: string;
  readonly context: Readonly<Record<string, string>>;
  readonly created: Date;
  readonly segmentLength: number;
  /** Plaintext bytes as the core says, undefined where it does not. */
  readonly size: number | undefined;
  /** Bytes of the whole object. */
  readonly sealedSize: number;
  /** Where the first segment begins. */
  readonly payloadOffset: number;
  readonly slotSize: number;
  readonly hasPrivateMetadata: boolean;
  /** Of the newest valid slot; empty when neither is valid. */
  readonly recipients: readonly InspectedRecipient[];
  /** `steady`: both slots are alike; `unequal`: a rewrap was interrupted (the next one repairs it). */
  readonly slots: 'steady' | 'unequal' | 'one damaged' | 'both damaged';
  readonly generation: number | undefined;
  /** What a person should look into, each with its remedy. */
  readonly warnings: readonly string[];
}

/**
 * Reads what the head of a sealed object says, without any key. Show it to people and use it to order work; for facts,
 * use `verify` or open the object.
 *
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_UNSUPPORTED_VERSION`, `ERR_MALFORMED`, `ERR_LIMIT_EXCEEDED`,
 * `ERR_HEADER_DAMAGED`, `ERR_TRUNCATED`, `ERR_FILE_NOT_FOUND`, `ERR_IO`
 *
 * @example
 * const { recipients } = await inspect('model.onnx.wax');
 */
export async function inspect(
  source: SealedSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Inspection> {
  refuseUnknownOptions('inspect', options, ['signal']);
  options.signal?.throwIfAborted();
  const opened = await openSource(source);
  try {
    const { head, slots, problem } = await load(opened, undefined);
    const valid = slotsByPreference(slots);
    const warnings: string[] = [];
    if (problem !== undefined) warnings.push('the first head is damaged, its second copy was read: run repair');
    const state = isSteady(slots)
      ? 'steady'
      : (['both damaged', 'one damaged', 'unequal'] as const)[valid.length === 2 ? 2 : valid.length === 1 ? 1 : 0];
    if (state === 'unequal') warnings.push('a rewrap was interrupted: the next rewrap, or repair, completes it');
    if (state === 'one damaged') warnings.push('one recipient slot is damaged: run repair');
    if (state === 'both damaged') warnings.push('both recipient slots are damaged: run repair --from another copy');
    const { core, geometry } = head;
    return {
      formatVersion: 1,
      layout: 'attached',
      id: toHex(core.id),
      bind: toHex(head.bind),
      type: typeName(core.type),
      context: core.context,
      created: new Date(core.created * 1000),
      segmentLength: core.segmentLength,
      size: core.size,
      sealedSize: opened.size,
      payloadOffset: geometry.segments,
      slotSize: geometry.slotSize,
      hasPrivateMetadata: head.meta.length > 0,
      recipients: (valid[0]?.recipients ?? []).map(inspectRecipient),
      slots: state,
      generation: valid[0]?.generation,
      warnings,
    };
  } finally {
    await opened.close();
  }
}

function inspectRecipient(entry: Recipient): InspectedRecipient {
  return {
    uri: entry.uri,
    version: entry.version,
    algorithm: entry.algorithm,
    wrappedAt: entry.wrappedAt === undefined ? undefined : new Date(entry.wrappedAt * 1000),
    blind: (entry.flags & FLAG.blind) !== 0,
    retiring: (entry.flags & FLAG.retiring) !== 0,
    supported: entry.supported,
  };
}
