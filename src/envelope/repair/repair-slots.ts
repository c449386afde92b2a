import { equalBytes, toHex } from '../../bytes/index.ts';
import { isWaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { isSteady, noValidList, slotsByPreference, unlockSlots } from '../choose-slot.ts';
import { type AttachedHead, decodeHead, encodeAttachedHead, type HeadParts, isAttached } from '../format/head.ts';
import { MAX_SLOT, PAGE } from '../format/limits.ts';
import { encodeRecipients } from '../format/recipients.ts';
import { encodeSlot, hasCleanPadding } from '../format/slot.ts';
import { findSecondHead, readHead, readSlots, type SlotPair } from '../read-head.ts';
import { nextGeneration } from '../rewrap/change.ts';
import { assertStillThere, type ObjectFile, settle, writeRegion } from '../rewrap/object-file.ts';
import { type Donor, proveAndForget } from './donor.ts';
import type { RepairOptions, RepairReport } from './options.ts';

/** Restores heads and slots of an attached object in place (SPEC section "Repair"). */
export async function repairSlots(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  donor: Donor | undefined,
  options: RepairOptions,
): Promise<RepairReport> {
  const { head, slots, list } = await survivors(file, keys, donor, options);
  const { slotA, slotB, slotSize, head1 } = head.geometry;
  const writes: { part: RepairReport['repaired'][number]; bytes: Uint8Array; offset: number }[] = [];
  if (
    !isSteady(slots) ||
    !slots.every(hasCleanPadding) ||
    !slots.some(({ slot }) => slot && equalBytes(slot.list, list))
  ) {
    const generation = nextGeneration(slots);
    const slot = (index: 0 | 1): (typeof writes)[number] => ({
      part: index === 0 ? 'slot A' : 'slot B',
      bytes: encodeSlot(index, generation, list, slotSize, head.bind, file.name),
      offset: index === 0 ? slotA : slotB,
    });
    // The slot that holds the proven list is written last: until then it stays as it is.
    const keep = slotsByPreference(slots).find((candidate) => equalBytes(candidate.list, list))?.index ?? 1;
    writes.push(slot(keep === 0 ? 1 : 0), slot(keep));
  }
  const proven = cleaned(head);
  if (!equalBytes(await file.read(head1, proven.length), proven)) {
    writes.push({ part: 'second head', bytes: proven, offset: head1 });
  }
  if (!equalBytes(await file.read(0, proven.length), proven)) {
    writes.push({ part: 'first head', bytes: proven, offset: 0 });
  }
  if (options.dryRun !== true) {
    if (writes.length > 0) await settle(file);
    for (const { bytes, offset } of writes) await writeRegion(file, bytes, offset);
    await assertStillThere(file);
  }
  return { id: toHex(head.core.id), repaired: writes.map(({ part }) => part) };
}

interface Survivors {
  readonly head: AttachedHead;
  /** The slots of the file itself. */
  readonly slots: SlotPair;
  /** A recipient list that gives the data key. */
  readonly list: Uint8Array;
}

/** Every pair of a head and a recipient list that can still be read, until one proves itself. */
async function survivors(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  donor: Donor | undefined,
  options: RepairOptions,
): Promise<Survivors> {
  const own = await readableHeads(file);
  donor?.assertSameObject(own, file.name);
  const foreign = donor === undefined ? [] : headsLike(donor.head, own);
  let failure: unknown;
  for (const head of [...own, ...foreign]) {
    const slots = await readSlots(file, head);
    for (const lists of donor === undefined ? [slots] : [slots, donor.lists]) {
      try {
        const unlocked = await unlockSlots(head, lists, keys, { ...options, name: file.name });
        // A head of the file itself is proven by its tag; another one could stand before any payload.
        await proveAndForget(file, head.geometry.segments, head, unlocked, own.length === 0);
        return { head, slots, list: encodeRecipients(unlocked.slot.recipients) };
      } catch (error) {
        if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
        failure ??= error;
      }
    }
    failure ??= noValidList(slots, file.name);
  }
  throw failure ?? (await headFailure(file));
}

/**
 * The donor's head as it would stand in this file. The size of its slots is that of a head of the file; where none is
 * left, each possible one is tried, and the payload tells which it was.
 */
function headsLike(parts: HeadParts, own: readonly AttachedHead[]): AttachedHead[] {
  const sizes =
    own.length > 0
      ? [...new Set(own.map((head) => head.geometry.slotSize))]
      : Array.from({ length: MAX_SLOT / PAGE }, (_, index) => (index + 1) * PAGE);
  return sizes.map((size) => decodeHead(encodeAttachedHead(parts, size), 'the copy')).filter(isAttached);
}

/** The heads of the file whose hashes match, the first one first; one of two equal ones. */
async function readableHeads(file: ObjectFile): Promise<AttachedHead[]> {
  const heads: AttachedHead[] = [];
  try {
    const { head } = await readHead(file);
    if (isAttached(head)) heads.push(head);
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
  }
  const second = await findSecondHead(file);
  if (second !== undefined && !heads.some((head) => equalBytes(head.bytes, second.bytes))) heads.push(second);
  return heads;
}

async function headFailure(file: ObjectFile): Promise<unknown> {
  return readHead(file).then(
    ({ head }) => noValidList([], `${file.name} (object ${toHex(head.core.id)})`),
    (error: unknown) => error,
  );
}

/** The head as its writer left it: with zero padding. */
function cleaned(head: AttachedHead): Uint8Array {
  return head.cleanPadding ? head.bytes : encodeAttachedHead(head, head.geometry.slotSize);
}
