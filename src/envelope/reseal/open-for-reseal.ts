import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { EventFacts } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { unlockSlots } from '../choose-slot.ts';
import { checkExpectations } from '../expectations.ts';
import { OBJECT_TYPE } from '../format/limits.ts';
import type { Loaded } from '../load.ts';
import { type NewObject, newObject } from '../new-object.ts';
import { typeName, type UnlockedObject, unlockedObject } from '../opened-object.ts';
import { objectFacts } from '../unwrap-entry.ts';
import { type NewRecipients, newRecipients } from './new-recipients.ts';
import type { ResealOptions } from './options.ts';

/** An object that is open for a reseal, and who is to open it afterwards. */
export interface OpenedForReseal {
  readonly unlocked: UnlockedObject;
  readonly targets: NewRecipients;
}

/** Unlocks what is to be sealed anew and chooses its recipients. */
export async function openForReseal(
  { head, lists }: Loaded,
  keys: readonly KeyProvider[],
  options: ResealOptions,
  name: string,
): Promise<OpenedForReseal> {
  if (head.core.type !== OBJECT_TYPE.data) {
    throw new WaxsealError('ERR_WRONG_TYPE', `${name} is a ${typeName(head.core.type)}`, { object: name });
  }
  checkExpectations(head, options, name);
  const { observe, signal, requireSymmetricWrap } = options;
  const unlocked = await unlockSlots(head, lists, keys, { name, observe, signal, requireSymmetricWrap });
  try {
    const targets = await newRecipients(head, unlocked, keys, options, name);
    return { unlocked: unlockedObject(head, unlocked, name), targets };
  } finally {
    zero(unlocked.dataKey);
  }
}

/** The new object: everything but key, id and time as in the old one. */
export function newLike(
  { unlocked: { head, info }, targets }: OpenedForReseal,
  size: number | undefined,
  { observe, signal }: ResealOptions,
  proof = false,
): Promise<NewObject> {
  const { geometry } = head;
  const minSlotSize = geometry.layout === 'attached' ? geometry.slotSize : undefined;
  const { context, metadata, segmentLength } = info;
  const shape = { context, metadata, segmentLength, layout: geometry.layout, minSlotSize };
  return newObject(targets.keys, { ...shape, size, observe, signal, proof });
}

export function resealFacts({ unlocked: { head }, targets }: OpenedForReseal): EventFacts {
  return { ...objectFacts(head), after: targets.keys.map(({ uri }) => uri) };
}
