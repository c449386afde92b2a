import type { EventFacts } from '../keys/observer.ts';
import { makeRecipient } from './format/recipients.ts';
import { type EntryMaterial, type FreshRecipient, now } from './entry-material.ts';
import type { MasterKey } from './keys-input.ts';
import { Quorum } from './quorum/quorum.ts';
import { type VerifiedWrap, type WrapOptions, wrapVerified } from './wrap-verified.ts';

/**
 * The new entries for a key (one) or a quorum (one for each custodian). Every wrap is proven before it is used.
 *
 * @throws WaxsealError as `wrapVerified`
 */
export async function freshRecipients(
  target: MasterKey,
  material: EntryMaterial,
  facts: () => EventFacts,
  options: WrapOptions,
): Promise<readonly FreshRecipient[]> {
  const { dataKey, bind } = material;
  if (target instanceof Quorum) {
    const { freshShares } = await import('./quorum/fresh-shares.ts');
    return freshShares(target, material, facts, options);
  }
  return [freshRecipient(await wrapVerified(target, dataKey, bind, facts, options), material)];
}

/** The entry for a wrap of the data key that has been proven. */
export function freshRecipient({ wrapped, assurance }: VerifiedWrap, { tagKey }: EntryMaterial): FreshRecipient {
  return { recipient: makeRecipient(wrapped, now(), tagKey), assurance };
}
