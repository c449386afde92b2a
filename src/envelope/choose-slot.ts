import { equalBytes } from '../bytes/index.ts';
import { WaxsealError } from '../errors/index.ts';
import { warn } from '../keys/observer.ts';
import type { KeyProvider } from '../keys/provider.ts';
import type { Head } from './format/head.ts';
import type { Slot } from './format/slot.ts';
import type { ListCopies } from './read-head.ts';
import { unlock } from './unlock.ts';
import { objectFacts, type Unlocked, type UnlockOptions } from './unwrap-entry.ts';

/** Valid lists in the order in which a reader tries them: higher generation first, A before B (SPEC "Recovery"). */
export function slotsByPreference(lists: ListCopies): readonly Slot[] {
  const valid = lists.map((reading) => reading.slot).filter((slot) => slot !== undefined);
  return valid.sort((a, b) => b.generation - a.generation || a.index - b.index);
}

/** All copies valid with one list and one generation: nothing is under way and nothing is damaged. */
export function isSteady(lists: ListCopies): boolean {
  const first = lists[0]?.slot;
  return lists.every(
    ({ slot }) =>
      first !== undefined &&
      slot !== undefined &&
      slot.generation === first.generation &&
      equalBytes(slot.list, first.list),
  );
}

export interface UnlockedSlot extends Unlocked {
  readonly slot: Slot;
}

/**
 * Opens the newest slot that opens. A slot that does not is stepped over with a warning, because the other one may be
 * all that a crash, a damaged sector or a forger left.
 *
 * @throws WaxsealError `ERR_HEADER_DAMAGED` or `ERR_SHREDDED` when no slot is valid, else the failure of the newest slot
 */
export async function unlockSlots(
  head: Head,
  lists: ListCopies,
  keys: readonly KeyProvider[],
  options: UnlockOptions,
): Promise<UnlockedSlot> {
  const [first, second] = slotsByPreference(lists);
  if (first === undefined) throw noValidList(lists, options.name);
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

/** Why no list of an object can be used. */
export function noValidList(lists: ListCopies, name: string): WaxsealError {
  if (lists.every(({ erased }) => erased)) {
    return new WaxsealError('ERR_SHREDDED', `the recipients of ${name} were erased`, { object: name });
  }
  const [a, b] = lists;
  const cutOff = lists.some(({ bytes }) => bytes.length < (a?.bytes.length ?? 0) || bytes.length === 0);
  const why = `${b === undefined ? '' : 'A: '}${a?.problem ?? 'valid'}${b === undefined ? '' : `; B: ${b.problem ?? 'valid'}`}`;
  return new WaxsealError(
    'ERR_HEADER_DAMAGED',
    `${b === undefined ? 'the recipients' : 'both recipient slots'} of ${name} are damaged (${why})`,
    { object: name, next: cutOff ? 'the object ends inside its head: fetch the whole object again' : undefined },
  );
}
