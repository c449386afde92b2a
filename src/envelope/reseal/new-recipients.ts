import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { Observe } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { UnlockedSlot } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { checkTag, entryTagKey, type Recipient } from '../format/recipients.ts';
import { fits, unwrapRecipient } from '../unlock.ts';

/** Which keys get a wrap of the new data key. */
export interface RecipientChoice {
  /** Exactly these keys; by default those of `keys` that are proven recipients already. */
  readonly recipients?: readonly KeyProvider[] | undefined;
  /** Leave out recipients that are not among them, instead of refusing. */
  readonly dropOthers?: boolean | undefined;
}

export interface ResealOptionsForKeys extends RecipientChoice {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NewRecipients {
  readonly keys: readonly KeyProvider[];
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
  const chosen: KeyProvider[] = [...(options.recipients ?? [])];
  if (options.recipients === undefined) {
    for (const entry of entries) {
      const key = keys.find((candidate) => candidate.uri === entry.uri);
      if (key === undefined || chosen.includes(key)) continue;
      if (await isProven(entry, head, unlocked, key, options)) chosen.push(key);
    }
  }
  const kept = new Set(chosen.map(({ uri }) => uri));
  const dropped = [...new Set(entries.map(({ uri }) => uri).filter((uri) => !kept.has(uri)))];
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
  key: KeyProvider,
  options: ResealOptionsForKeys,
): Promise<boolean> {
  if (entry === unlocked.recipient) return true;
  const tagKey = entryTagKey(unlocked.dataKey, head.bind);
  const tag = checkTag(entry, tagKey);
  zero(tagKey);
  if (tag === 'valid') return true;
  if (!fits(entry, key)) return false;
  try {
    const { secret } = await unwrapRecipient(entry, key, head, options);
    const same = equalSecrets(secret, unlocked.dataKey);
    zero(secret);
    return same;
  } catch (error) {
    if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
    return false;
  }
}
