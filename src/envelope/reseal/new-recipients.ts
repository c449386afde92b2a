import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Observe } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { UnlockedSlot } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import type { Recipient } from '../format/recipients.ts';
import type { MasterKey } from '../keys-input.ts';
import { proveEntry } from '../prove-entry.ts';
import { type Quorum, quorum } from '../quorum/quorum.ts';
import { isShare, type ShareSet, shareSets } from '../quorum/sets.ts';
import { fits } from '../unwrap-entry.ts';

/** Which keys get a wrap of the new data key. */
export interface RecipientChoice {
  /** Exactly these keys; by default those of `keys` that are proven recipients already. */
  readonly recipients?: readonly MasterKey[] | undefined;
  /** Leave out recipients that are not among them, instead of refusing. */
  readonly dropOthers?: boolean | undefined;
}

export interface ResealOptionsForKeys extends RecipientChoice {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NewRecipients {
  readonly keys: readonly MasterKey[];
  /** URIs of entries that get no wrap of the new data key. */
  readonly dropped: readonly string[];
}

/**
 * Decides who can open the resealed object. The header may name who could open it until now; it never adds a key: an
 * entry counts only for a key of the caller's, and only if it proves itself (SPEC section "Reseal", ATTACKS 7).
 *
 * @throws WaxsealError `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_LAST_RECIPIENT` when nobody would be left
 */
export async function newRecipients(
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: ResealOptionsForKeys,
  name: string,
): Promise<NewRecipients> {
  const entries = unlocked.slot.recipients;
  const chosen: MasterKey[] = [...(options.recipients ?? [])];
  const sets = shareSets(entries);
  if (options.recipients === undefined) {
    for (const entry of entries) {
      if (isShare(entry)) continue;
      const key = keys.find((candidate) => candidate.uri === entry.uri);
      if (key === undefined || chosen.includes(key)) continue;
      if (await isProven(entry, head, unlocked, key, options)) chosen.push(key);
    }
    for (const set of sets) {
      const same = await sameQuorum(set, head, unlocked, keys, options);
      if (same !== undefined) chosen.push(same);
    }
  }
  const kept = new Set(chosen.map(({ uri }) => uri));
  const named = [...entries.filter((entry) => !isShare(entry)), ...sets].map(({ uri }) => uri);
  const dropped = [...new Set(named.filter((uri) => !kept.has(uri)))];
  if (dropped.length > 0 && options.dropOthers !== true) {
    throw new WaxsealError(
      'ERR_RECIPIENT_NOT_ALLOWED',
      `${name} names recipients that the reseal was not told to keep: ${dropped.join(', ')}`,
      { object: name },
    );
  }
  if (chosen.length === 0) {
    throw new WaxsealError('ERR_LAST_RECIPIENT', `nobody could open ${name} after this reseal`, { object: name });
  }
  return { keys: chosen, dropped };
}

async function isProven(
  entry: Recipient,
  head: Head,
  unlocked: UnlockedSlot,
  key: KeyProvider | undefined,
  options: ResealOptionsForKeys,
): Promise<boolean> {
  const { dataKey, slot } = unlocked;
  const provider = key !== undefined && fits(entry, key) ? key : undefined;
  const proof = await proveEntry(
    { head, dataKey, opened: unlocked, recipients: slot.recipients },
    entry,
    provider,
    options,
  );
  zero(proof?.share);
  return proof !== undefined;
}

/** A quorum as it was, where the keys of all its custodians are at hand and every share is proven. */
async function sameQuorum(
  set: ShareSet,
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: ResealOptionsForKeys,
): Promise<Quorum | undefined> {
  const custodians: KeyProvider[] = [];
  const inOrder = [...set.entries].sort((a, b) => a.share.index - b.share.index);
  for (const entry of inOrder) {
    const key = keys.find(({ uri }) => uri === entry.uri);
    if (key === undefined || !(await isProven(entry, head, unlocked, key, options))) return undefined;
    custodians.push(key);
  }
  return custodians.length === set.custodians ? quorum(set.threshold, custodians) : undefined;
}
