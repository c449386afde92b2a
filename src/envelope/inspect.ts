import { toHex } from '../bytes/index.ts';
import { refuseUnknownOptions } from '../errors/index.ts';
import { isSteady, slotsByPreference } from './choose-slot.ts';
import type { Layout } from './format/layout.ts';
import { FLAG, hasFlag, type Recipient } from './format/recipients.ts';
import { load } from './load.ts';
import { isShare, shareSets } from './quorum/sets.ts';
import { typeName } from './opened-object.ts';
import { MAX_PREFIX } from './format/limits.ts';
import { type ByteStream, isByteStream } from './byte-stream.ts';
import { collectPrefix } from './input.ts';
import { takeIn } from './intake.ts';
import { bytesSource, openSource, type OpenSource, type PieceSource } from './source.ts';
import type { ListCopies } from './read-head.ts';

/** A recipient as the head names it, unauthenticated. */
export interface InspectedRecipient {
  /** Key URI, without a version. */
  readonly uri: string;
  /** Version of the key, as its provider calls it. */
  readonly version: string;
  /** A number of {@link WRAP_ALGORITHM}; of a share, that which the share is wrapped with. */
  readonly algorithm: number;
  /** Of a custodian: which share of which quorum it has. Undefined for a key that opens the object by itself. */
  readonly share: InspectedShare | undefined;
  /** When the wrap was made, as the writer says. */
  readonly wrappedAt: Date | undefined;
  /** Made inside the provider and never unwrapped by the writer. */
  readonly blind: boolean;
  /** Kept until its successor, which was made by a blind rewrap, has been confirmed. */
  readonly retiring: boolean;
  /** False for a kind of entry that this version of waxseal does not know; it is carried along untouched. */
  readonly supported: boolean;
}

/** A share of a quorum, as the head names it. */
export interface InspectedShare {
  /** `quorum:K(…)`, with the custodians in the order of their shares. */
  readonly quorum: string;
  /** Custodians that it takes. */
  readonly threshold: number;
  /** Custodians that there are. */
  readonly custodians: number;
  /** Which share it is, from 1 on. */
  readonly index: number;
}

/** What the head of an object says. No key was used: nothing of this has been authenticated. */
export interface Inspection {
  /** Version of the format. */
  readonly formatVersion: 1;
  /** Where the parts stand. */
  readonly layout: Layout;
  /** Id of the object, 32 hexadecimal digits. */
  readonly id: string;
  /** Digest that ties every wrap to this object, 64 hexadecimal digits. */
  readonly bind: string;
  /** What kind of object it is. */
  readonly type: string;
  /** Public facts about the object. */
  readonly context: Readonly<Record<string, string>>;
  /** When it was sealed, by the clock of the sealer. */
  readonly created: Date;
  /** Bytes of an encrypted segment. */
  readonly segmentLength: number;
  /** Plaintext bytes as the core says, undefined where it does not. */
  readonly size: number | undefined;
  /** Bytes of the whole object (of a detached one, of its header); undefined for a stream, which is not read to its end. */
  readonly sealedSize: number | undefined;
  /** Where the first segment begins: in the object, or in the payload of a detached one. */
  readonly payloadOffset: number;
  /** Attached: bytes of a slot. */
  readonly slotSize: number | undefined;
  /** Bytes of the encoded recipient list. */
  readonly recipientsLength: number | undefined;
  /** Whether the sealer stored private metadata. */
  readonly hasPrivateMetadata: boolean;
  /** Of the newest valid list; empty when none is valid. */
  readonly recipients: readonly InspectedRecipient[];
  /**
   * The copies of the list. `steady`: valid, and alike where there are two; `unequal`: a rewrap was interrupted (the next
   * one repairs it); `erased`: the object was shredded.
   */
  readonly lists: 'steady' | 'unequal' | 'one damaged' | 'damaged' | 'erased';
  /** Attached: counts the changes of the list. */
  readonly generation: number | undefined;
  /** What a person should look into, each with its remedy. */
  readonly warnings: readonly string[];
}

/**
 * Reads what the head of a sealed object (the header of a detached one) says, without any key. Show it to people and use
 * it to order work; for facts, use `verify` or open the object. Of a stream only the beginning is read.
 *
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_UNSUPPORTED_VERSION`, `ERR_MALFORMED`, `ERR_LIMIT_EXCEEDED`,
 * `ERR_HEADER_DAMAGED`, `ERR_TRUNCATED`, `ERR_FILE_NOT_FOUND`, `ERR_IO`
 *
 * @example
 * const { recipients } = await inspect('model.onnx.wax');
 */
export async function inspect(
  source: PieceSource | ByteStream,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Inspection> {
  refuseUnknownOptions('inspect', options, ['signal']);
  options.signal?.throwIfAborted();
  const opened = await headSource(source, options.signal);
  try {
    const { head, lists, problem } = await load(opened, undefined);
    const newest = slotsByPreference(lists)[0];
    const warnings: string[] = [];
    if (problem !== undefined) warnings.push('the first head is damaged, its second copy was read: run repair');
    const state = stateOf(lists);
    const remark = REMARKS[state];
    if (remark !== undefined) warnings.push(remark);
    const { core, geometry } = head;
    return {
      formatVersion: 1,
      layout: geometry.layout,
      id: toHex(core.id),
      bind: toHex(head.bind),
      type: typeName(core.type),
      context: core.context,
      created: new Date(core.created * 1000),
      segmentLength: core.segmentLength,
      size: core.size,
      sealedSize: opened.isWhole ? opened.size : undefined,
      payloadOffset: geometry.segments,
      slotSize: geometry.layout === 'attached' ? geometry.slotSize : undefined,
      recipientsLength: newest?.list.length,
      hasPrivateMetadata: head.meta.length > 0,
      recipients: (newest?.recipients ?? []).map(inspectRecipient),
      lists: state,
      generation: geometry.layout === 'attached' ? newest?.generation : undefined,
      warnings,
    };
  } finally {
    await opened.close();
  }
}

/** A source; of a stream, only its beginning is read, and the stream is ended. */
async function headSource(
  source: PieceSource | ByteStream,
  signal: AbortSignal | undefined,
): Promise<OpenSource & { readonly isWhole: boolean }> {
  if (!isByteStream(source) || source instanceof URL) return { ...(await openSource(source)), isWhole: true };
  const { prefix } = await takeIn(source, signal, async (chunks) => {
    const collected = await collectPrefix(chunks, MAX_PREFIX);
    await chunks.return();
    return collected;
  });
  return { ...bytesSource(prefix), isWhole: prefix.length < MAX_PREFIX };
}

const REMARKS: Readonly<Partial<Record<Inspection['lists'], string>>> = {
  unequal: 'a rewrap was interrupted: the next rewrap, or repair, completes it',
  'one damaged': 'one recipient slot is damaged: run repair',
  damaged: 'the recipients are damaged: run repair --from another copy',
  erased: 'the recipients were erased: the object has been shredded',
};

function stateOf(lists: ListCopies): Inspection['lists'] {
  if (isSteady(lists)) return 'steady';
  if (lists.every(({ erased }) => erased)) return 'erased';
  const valid = lists.filter(({ slot }) => slot !== undefined).length;
  return valid === 0 ? 'damaged' : valid < lists.length ? 'one damaged' : 'unequal';
}

function inspectRecipient(entry: Recipient, at: number, list: readonly Recipient[]): InspectedRecipient {
  const succeeded = list
    .slice(at + 1)
    .some((later) => later.uri === entry.uri && !isShare(later) && hasFlag(later, FLAG.blind));
  return {
    uri: entry.uri,
    version: entry.version,
    algorithm: entry.share?.algorithm ?? entry.algorithm,
    share: inspectShare(entry, list),
    wrappedAt: entry.wrappedAt === undefined ? undefined : new Date(entry.wrappedAt * 1000),
    blind: hasFlag(entry, FLAG.blind),
    retiring: succeeded || hasFlag(entry, FLAG.retiring),
    supported: entry.supported,
  };
}

function inspectShare(entry: Recipient, list: readonly Recipient[]): InspectedShare | undefined {
  if (!isShare(entry)) return undefined;
  const { threshold, custodians, index } = entry.share;
  const set = shareSets(list).find(({ entries }) => entries.includes(entry));
  return { quorum: set?.uri ?? '', threshold, custodians, index };
}
