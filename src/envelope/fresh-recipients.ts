import { randomPublic, zero } from '../crypto/secrets.ts';
import type { EventFacts } from '../keys/observer.ts';
import { ID_LENGTH } from './format/limits.ts';
import { makeRecipient, makeShareRecipient, type Recipient } from './format/recipients.ts';
import { type Share, shareBinding, shareDigest } from './format/share.ts';
import type { MasterKey } from './keys-input.ts';
import { Quorum } from './quorum/quorum.ts';
import { splitDataKey } from './quorum/shamir.ts';
import { type Assurance, type VerifiedWrap, type WrapOptions, wrapVerified } from './wrap-verified.ts';

/** What new entries are made from. Everything is lent. */
export interface EntryMaterial {
  readonly dataKey: Uint8Array;
  readonly bind: Uint8Array;
  /** X(DEK, "waxseal/1 entry", bind, 32). */
  readonly tagKey: Uint8Array;
}

/** A new entry, and how its wrap was proven. */
export interface FreshRecipient {
  readonly recipient: Recipient;
  readonly assurance: Assurance;
}

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
  if (target instanceof Quorum) return freshShares(target, material, facts, options);
  return [freshRecipient(await wrapVerified(target, dataKey, bind, facts, options), material)];
}

/** The entry for a wrap of the data key that has been proven. */
export function freshRecipient({ wrapped, assurance }: VerifiedWrap, { tagKey }: EntryMaterial): FreshRecipient {
  return { recipient: makeRecipient(wrapped, now(), tagKey), assurance };
}

async function freshShares(
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

function now(): number {
  return Math.floor(Date.now() / 1000);
}
