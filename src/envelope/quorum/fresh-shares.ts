import { randomPublic, zero } from '../../crypto/secrets.ts';
import type { EventFacts } from '../../keys/observer.ts';
import { ID_LENGTH } from '../format/limits.ts';
import { makeShareRecipient } from '../format/recipients.ts';
import { type Share, shareBinding, shareDigest } from '../format/share.ts';
import { type EntryMaterial, type FreshRecipient, now } from '../entry-material.ts';
import { type WrapOptions, wrapVerified } from '../wrap-verified.ts';
import type { Quorum } from './quorum.ts';
import { splitDataKey } from './shamir.ts';

/** The new entries of a quorum: one for each custodian, each wrap proven before it is used. */
export async function freshShares(
  { threshold, custodians }: Quorum,
  { dataKey, bind, tagKey }: EntryMaterial,
  facts: () => EventFacts,
  options: WrapOptions,
): Promise<readonly FreshRecipient[]> {
  const setId = randomPublic(ID_LENGTH);
  const shares = await splitDataKey(dataKey, threshold, custodians.length);
  try {
    const digests = shares.map((share, at) => shareDigest({ setId }, at + 1, share));
    const fresh: FreshRecipient[] = [];
    for (const [at, custodian] of custodians.entries()) {
      options.signal?.throwIfAborted();
      const share = { setId, threshold, custodians: custodians.length, index: at + 1, digests };
      fresh.push(await freshShare(share, shares[at] as Uint8Array, custodian, { bind, tagKey }, facts, options));
    }
    return fresh;
  } finally {
    zero(...shares);
  }
}

/**
 * A new entry for a share, which is wrapped for a custodian.
 *
 * @param secret the share; lent
 * @param tagKey undefined where the data key is not at hand
 */
export async function freshShare(
  share: Omit<Share, 'algorithm'>,
  secret: Uint8Array,
  custodian: Quorum['custodians'][number],
  { bind, tagKey }: Pick<EntryMaterial, 'bind'> & { readonly tagKey: Uint8Array | undefined },
  facts: () => EventFacts,
  options: WrapOptions,
): Promise<FreshRecipient> {
  const { wrapped, assurance } = await wrapVerified(custodian, secret, shareBinding(bind, share), facts, options);
  return { recipient: makeShareRecipient(wrapped, share, now(), tagKey), assurance };
}
