import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { checkTag, entryTagKey, makeRecipient, type Recipient } from '../format/recipients.ts';
import { fits, objectFacts, unwrapRecipient } from '../unlock.ts';
import { type Assurance, wrapVerified } from '../wrap-verified.ts';
import type { CurrentRecipients, UpdateOptions } from './change.ts';

/** What became of one entry. */
export interface EntryOutcome {
  /** Key URI of the entry as it was, without a version. */
  readonly uri: string;
  /**
   * `renewed`: a new wrap under the current version; `current`: verified to be on it already; `merged`: dropped because
   * another entry holds the same version of the same key now; `kept`: not one of the keys at hand; `unproven`: for a
   * key at hand, but nothing proves that somebody who held the data key wrote it, so that it was left alone.
   */
  readonly action: 'renewed' | 'current' | 'merged' | 'kept' | 'unproven';
  /** Version that it was wrapped under. */
  readonly from: string;
  /** Version that it is wrapped under now. */
  readonly to: string;
  /** The key that the entry names now: another one only when it was replaced. */
  readonly toUri: string;
  /**
   * How a new wrap was proven: `compared`, unwrapped again; `recomputed`, opened by its sender, who has only the public
   * key. Absent where nothing was wrapped.
   */
  readonly assurance?: Assurance | undefined;
}

/** A new entry, and how its wrap was proven. */
export interface FreshRecipient {
  readonly recipient: Recipient;
  readonly assurance: Assurance;
}

/** A new entry for `provider`, proven before it is used. */
export async function freshRecipient(
  { head, dataKey }: CurrentRecipients,
  provider: KeyProvider,
  options: UpdateOptions,
): Promise<FreshRecipient> {
  const { wrapped, assurance } = await wrapVerified(provider, dataKey, head.bind, () => objectFacts(head), options);
  const tagKey = entryTagKey(dataKey, head.bind);
  try {
    return { recipient: makeRecipient(wrapped, Math.floor(Date.now() / 1000), tagKey), assurance };
  } finally {
    zero(tagKey);
  }
}

/**
 * Brings every entry of the caller's keys to the current version of its key; all others stay byte for byte.
 *
 * An entry is renewed only if it proves itself: it unwraps to the data key, or it carries a valid tag. Otherwise
 * whoever can write the object could have one of the caller's other keys added as a recipient by a rewrap.
 */
export async function renewRecipients(
  current: CurrentRecipients,
  keys: readonly KeyProvider[],
  options: UpdateOptions,
  replace?: { readonly from: string; readonly to: KeyProvider },
): Promise<{ readonly after: readonly Recipient[]; readonly outcomes: readonly EntryOutcome[] }> {
  const after: Recipient[] = [];
  const outcomes: EntryOutcome[] = [];
  const fresh = new Map<KeyProvider, FreshRecipient>();
  for (const entry of current.opened.slot.recipients) {
    const outcome = (action: EntryOutcome['action'], made?: FreshRecipient): void => {
      const { version: to, uri: toUri } = made?.recipient ?? entry;
      const proven = made === undefined ? {} : { assurance: made.assurance };
      outcomes.push({ uri: entry.uri, action, from: entry.version, to, toUri, ...proven });
    };
    const provider = keys.find((key) => fits(entry, key));
    if (replace === undefined ? provider === undefined : entry.uri !== replace.from) {
      after.push(entry);
      outcome('kept');
      continue;
    }
    const proof = await prove(current, entry, provider, options);
    if (proof === undefined) {
      after.push(entry);
      outcome('unproven');
      continue;
    }
    const target = replace?.to ?? provider;
    if (target === undefined) throw new WaxsealError('ERR_INTERNAL', `no target key for the entry of ${entry.uri}`);
    if (replace === undefined && (await isCurrent(proof, target, options))) {
      after.push(entry);
      outcome('current');
      continue;
    }
    let renewed = fresh.get(target);
    if (renewed === undefined) {
      renewed = await freshRecipient(current, target, options);
      fresh.set(target, renewed);
      after.push(renewed.recipient);
      outcome('renewed', renewed);
    } else {
      outcome('merged', renewed);
    }
  }
  return { after: withoutTwins(after, fresh), outcomes };
}

interface Proof {
  /** The version that really unwrapped the entry; undefined when only its tag speaks for it. */
  readonly version: string | undefined;
  readonly recorded: string;
  readonly tagged: boolean;
}

async function prove(
  { head, dataKey, opened }: CurrentRecipients,
  entry: Recipient,
  provider: KeyProvider | undefined,
  options: UpdateOptions,
): Promise<Proof | undefined> {
  const tagKey = entryTagKey(dataKey, head.bind);
  const tagged = checkTag(entry, tagKey) === 'valid';
  zero(tagKey);
  if (entry === opened.recipient) return { version: opened.version, recorded: entry.version, tagged };
  if (provider !== undefined) {
    try {
      const { secret, version } = await unwrapRecipient(entry, provider, head, options);
      const same = equalSecrets(secret, dataKey);
      zero(secret);
      if (same) return { version, recorded: entry.version, tagged };
    } catch (error) {
      if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
      // The entry cannot be opened now (its version may be destroyed): its tag can still vouch for it.
    }
  }
  return tagged ? { version: undefined, recorded: entry.version, tagged } : undefined;
}

/** The header's own word for the version decides nothing: what the verifying unwrap said is compared. */
async function isCurrent(proof: Proof, provider: KeyProvider, { signal }: UpdateOptions): Promise<boolean> {
  if (proof.version === undefined || proof.version !== proof.recorded || !proof.tagged) return false;
  const description = await provider.describe?.({ signal });
  return description?.currentVersion === proof.version;
}

/** An older entry may have come to the same key and version as a fresh one: the fresh one stays. */
function withoutTwins(list: readonly Recipient[], fresh: ReadonlyMap<KeyProvider, FreshRecipient>): Recipient[] {
  const made = [...fresh.values()].map(({ recipient }) => recipient);
  return list.filter(
    (entry) =>
      made.includes(entry) ||
      !made.some((f) => f.uri === entry.uri && f.version === entry.version && f.algorithm === entry.algorithm),
  );
}
