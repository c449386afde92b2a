import { equalBytes } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Observe } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { isSteady, type UnlockedSlot, unlockSlots } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { MAX_GENERATION } from '../format/limits.ts';
import { assertDistinct, encodeRecipients, type Recipient } from '../format/recipients.ts';
import { encodeSlot, type Slot, type SlotIndex } from '../format/slot.ts';
import { load } from '../load.ts';
import { readSlots, type SlotPair } from '../read-head.ts';
import { assertStillThere, type ObjectFile, settle, writeRegion } from './object-file.ts';

/** What a change of recipients works from. `dataKey` is lent: it is zeroed when the change is done. */
export interface CurrentRecipients {
  readonly head: Head;
  readonly dataKey: Uint8Array;
  readonly opened: UnlockedSlot;
}

/** Computes the new list from the current one. */
export type Change = (current: CurrentRecipients) => Promise<readonly Recipient[]>;

export interface UpdateOptions {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Compute the new list and write nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface UpdateResult {
  readonly head: Head;
  readonly before: readonly Recipient[];
  readonly after: readonly Recipient[];
  /** Whether slots were (or, in a dry run, would be) written. */
  readonly changed: boolean;
  readonly generation: number;
  readonly bytesWritten: number;
}

/** Other writers that hold no lock can make a writer start over; not for ever. */
const MAX_ATTEMPTS = 16;

/**
 * Changes the recipients of an attached object in place (SPEC section "Writing slots"). Call it under the folder's
 * lock; without, an update of another writer may be lost, but never a key: only complete slots whose list opens are
 * ever written.
 *
 * @throws WaxsealError `ERR_BUSY`, `ERR_SLOT_FULL`, `ERR_INPUT_CHANGED`, `ERR_IO` and what opening can fail with
 */
export async function updateSlots(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  change: Change,
  options: UpdateOptions,
): Promise<UpdateResult> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    options.signal?.throwIfAborted();
    const { head, slots } = await load(file, options.observe);
    const opened = await unlockSlots(head, slots, keys, { ...options, name: file.name });
    let after: readonly Recipient[];
    try {
      after = await change({ head, dataKey: opened.dataKey, opened });
    } finally {
      zero(opened.dataKey);
    }
    assertDistinct(after, file.name);
    const list = encodeRecipients(after);
    const before = opened.slot.recipients;
    const writes = planWrites(file, head, slots, opened.slot, list);
    const result = { head, before, after, changed: writes.length > 0 };
    if (writes.length === 0 || options.dryRun === true) {
      return { ...result, generation: opened.slot.generation, bytesWritten: 0 };
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
function planWrites(file: ObjectFile, head: Head, slots: SlotPair, current: Slot, list: Uint8Array): SlotWrite[] {
  if (isSteady(slots) && equalBytes(current.list, list)) return [];
  const { slotA, slotB, slotSize } = head.geometry;
  const generation = nextGeneration(slots);
  const other: SlotIndex = current.index === 0 ? 1 : 0;
  return [other, current.index].map((index) => ({
    offset: index === 0 ? slotA : slotB,
    bytes: encodeSlot(index, generation, list, slotSize, head.bind, file.name),
  }));
}

/**
 * One more than the highest valid generation. It stays at the limit, which only a forger reaches: two slots of one
 * generation are told apart by A before B, and both open.
 */
export function nextGeneration(slots: SlotPair): number {
  const highest = Math.max(0, ...slots.map(({ slot }) => slot?.generation ?? 0));
  return Math.min(highest + 1, MAX_GENERATION);
}

function samePair(a: SlotPair, b: SlotPair): boolean {
  return equalBytes(a[0].bytes, b[0].bytes) && equalBytes(a[1].bytes, b[1].bytes);
}
