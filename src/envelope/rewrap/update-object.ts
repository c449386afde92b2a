import { equalBytes } from '../../bytes/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { isSteady } from '../choose-slot.ts';
import { type AttachedHead, isAttached } from '../format/head.ts';
import { encodeSlot, type Slot, type SlotIndex } from '../format/slot.ts';
import { load } from '../load.ts';
import { readSlots, type SlotPair } from '../read-head.ts';
import { type ListChange, nextGeneration, type UpdateOptions, type UpdateResult } from './change.ts';
import { assertStillThere, type ObjectFile, settle, writeRegion } from './object-file.ts';
import { replaceWhole } from './replace-whole.ts';

/** Other writers that hold no lock can make a writer start over; not for ever. */
const MAX_ATTEMPTS = 16;

/**
 * Changes the recipients of an object: in place where there are slots (SPEC section "Writing slots"), else by replacing
 * the file (SPEC section "Replacing"). Call it under the folder's
 * lock; without, an update of another writer may be lost, but never a key: only complete slots whose list opens are
 * ever written.
 *
 * @throws WaxsealError `ERR_BUSY`, `ERR_SLOT_FULL`, `ERR_INPUT_CHANGED`, `ERR_IO` and what opening can fail with
 */
export async function updateObject(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: UpdateOptions,
): Promise<UpdateResult> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    options.signal?.throwIfAborted();
    const loaded = await load(file, options.observe);
    const { head, lists } = loaded;
    const [a, b] = lists;
    if (!isAttached(head) || a === undefined || b === undefined)
      return replaceWhole(file, loaded, keys, change, options);
    const slots: SlotPair = [a, b];
    const { current, after, list } = await change(loaded, keys, options, file.name);
    const writes = planWrites(file, head, slots, current, list);
    const result = { head, before: current.recipients, after, changed: writes.length > 0 };
    if (writes.length === 0 || options.dryRun === true) {
      return { ...result, generation: current.generation, bytesWritten: 0 };
    }
    await settle(file);
    if (!samePair(slots, await readSlots(file, head))) continue;
    let bytesWritten = 0;
    for (const { offset, bytes } of writes) {
      await writeRegion(file, bytes, offset);
      bytesWritten += bytes.length;
    }
    await assertStillThere(file);
    return { ...result, generation: nextGeneration(slots), bytesWritten };
  }
  throw new WaxsealError('ERR_BUSY', `other writers keep changing ${file.name}`, { object: file.name });
}

interface SlotWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The two writes: first the slot that the current list was not read from, then the one it was. Whatever happens between
 * or during them, one slot is valid and opens. This one order covers every row of the recovery table: the unequal pair
 * of a crash is brought to the newer state by the same two writes.
 */
function planWrites(
  file: ObjectFile,
  head: AttachedHead,
  slots: SlotPair,
  current: Slot,
  list: Uint8Array,
): SlotWrite[] {
  if (isSteady(slots) && equalBytes(current.list, list)) return [];
  const { slotA, slotB, slotSize } = head.geometry;
  const generation = nextGeneration(slots);
  const other: SlotIndex = current.index === 0 ? 1 : 0;
  return [other, current.index].map((index) => ({
    offset: index === 0 ? slotA : slotB,
    bytes: encodeSlot(index, generation, list, slotSize, head.bind, file.name),
  }));
}

function samePair(a: SlotPair, b: SlotPair): boolean {
  return equalBytes(a[0].bytes, b[0].bytes) && equalBytes(a[1].bytes, b[1].bytes);
}
