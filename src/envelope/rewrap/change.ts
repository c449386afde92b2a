import { zero } from '../../crypto/secrets.ts';
import type { Observe } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { type UnlockedSlot, unlockSlots } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { MAX_GENERATION } from '../format/limits.ts';
import { assertDistinct, encodeRecipients, type Recipient } from '../format/recipients.ts';
import type { Slot } from '../format/slot.ts';
import type { Loaded } from '../load.ts';
import type { ListCopies } from '../read-head.ts';

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
  /** Of the slots; undefined in layouts without. */
  readonly generation: number | undefined;
  readonly bytesWritten: number;
}

/** The list that an object gets, and the slot whose list it was made from. */
export interface ChangedList {
  readonly current: Slot;
  readonly after: readonly Recipient[];
  readonly list: Uint8Array;
}

/** Makes the new list of what was loaded. */
export type ListChange = (
  loaded: Pick<Loaded, 'head' | 'lists'>,
  keys: readonly KeyProvider[],
  options: UpdateOptions,
  name: string,
) => Promise<ChangedList>;

/** A change by somebody who can open the object: it works from the list that opens. */
export function unlocked(change: Change): ListChange {
  return async ({ head, lists }, keys, options, name) => {
    const opened = await unlockSlots(head, lists, keys, { ...options, name });
    try {
      const after = await change({ head, dataKey: opened.dataKey, opened });
      return { current: opened.slot, after, list: encodeList(after, name) };
    } finally {
      zero(opened.dataKey);
    }
  };
}

/** Encodes a list that is about to be written. */
export function encodeList(recipients: readonly Recipient[], name: string): Uint8Array {
  assertDistinct(recipients, name);
  return encodeRecipients(recipients);
}

/**
 * One more than the highest valid generation. It stays at the limit, which only a forger reaches: two slots of one
 * generation are told apart by A before B, and both open.
 */
export function nextGeneration(lists: ListCopies): number {
  const highest = Math.max(0, ...lists.map(({ slot }) => slot?.generation ?? 0));
  return Math.min(highest + 1, MAX_GENERATION);
}
