import { equalBytes } from '../bytes/index.ts';
import { WaxsealError } from '../errors/index.ts';
import { warn } from '../keys/observer.ts';
import type { KeyProvider } from '../keys/provider.ts';
import type { Head } from './format/head.ts';
import type { Slot } from './format/slot.ts';
import type { SlotPair } from './read-head.ts';
import { objectFacts, unlock, type Unlocked, type UnlockOptions } from './unlock.ts';

/** Valid slots in the order in which a reader tries them: higher generation first, A before B (SPEC "Recovery"). */
export function slotsByPreference(pair: SlotPair): readonly Slot[] {
  const valid = pair.map((reading) => reading.slot).filter((slot) => slot !== undefined);
  return valid.sort((a, b) => b.generation - a.generation || a.index - b.index);
}

/** Both slots valid with one list and one generation: nothing is under way and nothing is damaged. */
export function isSteady([{ slot: a }, { slot: b }]: SlotPair): boolean {
  return a !== undefined && b !== undefined && a.generation === b.generation && equalBytes(a.list, b.list);
}

export interface UnlockedSlot extends Unlocked {
  readonly slot: Slot;
}

/**
 * Opens the newest slot that opens. A slot that does not is stepped over with a warning, because the other one may be
 * all that a crash, a damaged sector or a forger left.
 *
 * @throws WaxsealError `ERR_HEADER_DAMAGED` when no slot is valid, else the failure of the newest slot
 */
export async function unlockSlots(
  head: Head,
  pair: SlotPair,
  keys: readonly KeyProvider[],
  options: UnlockOptions,
): Promise<UnlockedSlot> {
  const slots = slotsByPreference(pair);
  const [first, second] = slots;
  if (first === undefined) throw bothDamaged(pair, options.name);
  let failure: unknown;
  try {
    return { ...(await unlock(head, first.recipients, keys, options)), slot: first };
  } catch (error) {
    if (!(error instanceof WaxsealError) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
    if (second === undefined || equalBytes(first.list, second.list)) throw error;
    failure = error;
  }
  let opened: Unlocked;
  try {
    opened = await unlock(head, second.recipients, keys, options);
  } catch {
    throw failure;
  }
  await warn(options.observe, `the newest recipients of ${options.name} do not open; an older list did: run repair`, {
    ...objectFacts(head),
  });
  return { ...opened, slot: second };
}

export function bothDamaged([a, b]: SlotPair, name: string): WaxsealError {
  const cutOff = a.bytes.length < b.bytes.length || b.bytes.length === 0;
  return new WaxsealError(
    'ERR_HEADER_DAMAGED',
    `both recipient slots of ${name} are damaged (A: ${a.problem ?? 'valid'}; B: ${b.problem ?? 'valid'})`,
    { object: name, next: cutOff ? 'the object ends inside its head: fetch the whole object again' : undefined },
  );
}
