import { WaxsealError } from '../errors/index.ts';
import { type AttachedHead, decodeHead, type Head, isAttached } from './format/head.ts';
import { MAX_HEAD1_OFFSET, MAX_PREFIX, PAGE, PRELUDE_LENGTH } from './format/limits.ts';
import { decodePrelude, hasMagic } from './format/prelude.ts';
import { geometryOf } from './format/geometry.ts';
import { readBlock } from './format/recipient-block.ts';
import { readSlot, type SlotReading } from './format/slot.ts';

/** Reads part of a sealed object: `RandomAccess`, or the buffered beginning of a stream. */
export interface PrefixReader {
  readonly name: string;
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface HeadReading {
  readonly head: Head;
  /** Which copy it came from. */
  readonly from: 0 | 1;
  /** Why the first copy could not be used. */
  readonly problem: WaxsealError | undefined;
}

/** The common head, slots and second head of an object with one local recipient, in one read. */
const FIRST_READ = 4 * PAGE;

/**
 * Reads the head, or its second copy when the first is damaged (SPEC section "Recovery").
 *
 * @throws WaxsealError what is wrong with the first copy, when the second does not help
 */
export async function readHead(source: PrefixReader): Promise<HeadReading> {
  const first = await source.read(0, FIRST_READ);
  let problem: WaxsealError;
  try {
    return { head: decodeHead(await enough(source, first), source.name), from: 0, problem: undefined };
  } catch (error) {
    if (!(error instanceof WaxsealError) || !RECOVERABLE.has(error.code)) throw error;
    problem = error;
  }
  const second = await findSecondHead(source);
  if (second !== undefined) return { head: second, from: 1, problem };
  throw problem;
}

/** What damage can make of a head; everything else cannot be mended by the second copy. */
const RECOVERABLE = new Set<string>([
  'ERR_NOT_SEALED',
  'ERR_TRUNCATED',
  'ERR_UNSUPPORTED_VERSION',
  'ERR_LIMIT_EXCEEDED',
  'ERR_MALFORMED',
  'ERR_HEADER_DAMAGED',
]);

async function enough(source: PrefixReader, first: Uint8Array): Promise<Uint8Array> {
  const { headLength } = geometryOf(decodePrelude(first, source.name));
  return headLength <= first.length ? first : source.read(0, headLength);
}

/** The second head: found by its magic at 4 KiB steps; it must lie where its own lengths say and match its hash. */
export async function findSecondHead(source: PrefixReader): Promise<AttachedHead | undefined> {
  return (await findSecondHeads(source))[0];
}

/** Everything that would pass for a second head. More than one means that somebody forged one. */
export async function findSecondHeads(source: PrefixReader): Promise<AttachedHead[]> {
  const found: AttachedHead[] = [];
  const area = await source.read(0, Math.min(source.size, MAX_PREFIX + PAGE));
  for (let offset = 3 * PAGE; offset <= MAX_HEAD1_OFFSET && offset + PRELUDE_LENGTH <= area.length; offset += PAGE) {
    const candidate = area.subarray(offset);
    if (!hasMagic(candidate)) continue;
    try {
      const head = decodeHead(candidate, source.name);
      if (isAttached(head) && head.geometry.head1 === offset) found.push(head);
    } catch (error) {
      if (!(error instanceof WaxsealError)) throw error;
    }
  }
  return found;
}

/** The copies of the recipient list that an object carries: slot A and slot B, or the one block of other layouts. */
export type ListCopies = readonly SlotReading[];

export async function readLists(source: PrefixReader, head: Head): Promise<ListCopies> {
  if (isAttached(head)) return readSlots(source, head);
  const { block, blockLength } = head.geometry;
  return [readBlock(new Uint8Array(await source.read(block, blockLength)), blockLength, head.bind, source.name)];
}

/** Slot A and slot B. */
export type SlotPair = readonly [SlotReading, SlotReading];

export async function readSlots(source: PrefixReader, head: AttachedHead): Promise<SlotPair> {
  const { slotA, slotSize } = head.geometry;
  return slotsIn(new Uint8Array(await source.read(slotA, 2 * slotSize)), head, source.name);
}

function slotsIn(both: Uint8Array, { geometry: { slotSize }, bind }: AttachedHead, name: string): SlotPair {
  return [
    readSlot(both.subarray(0, slotSize), 0, slotSize, bind, name),
    readSlot(both.subarray(slotSize), 1, slotSize, bind, name),
  ];
}

/**
 * Head and recipients of an object that is in memory and undamaged: what reading it piece by piece would find, at once.
 *
 * @returns undefined for anything that is not as a writer leaves it, which the reader that can tell what to do is for
 */
export function readSound(bytes: Uint8Array, name: string): (HeadReading & { readonly lists: ListCopies }) | undefined {
  try {
    const head = decodeHead(bytes, name);
    const lists = listsIn(bytes, head, name);
    return lists.every(({ slot }) => slot) ? { head, from: 0, problem: undefined, lists } : undefined;
  } catch (error) {
    if (error instanceof WaxsealError) return undefined;
    throw error;
  }
}

function listsIn(bytes: Uint8Array, head: Head, name: string): ListCopies {
  if (isAttached(head)) {
    const { slotA, slotSize } = head.geometry;
    return slotsIn(new Uint8Array(bytes.subarray(slotA, slotA + 2 * slotSize)), head, name);
  }
  const { block, blockLength } = head.geometry;
  // What has been copied with the head is not copied again.
  const own =
    block + blockLength <= head.bytes.length ? head.bytes : new Uint8Array(bytes.subarray(0, block + blockLength));
  return [readBlock(own.subarray(block, block + blockLength), blockLength, head.bind, name)];
}
