import { equalSecrets, zero } from '../crypto/secrets.ts';
import type { KeyProvider } from '../keys/provider.ts';
import type { Head } from './format/head.ts';
import { checkTag, entryTagKey, type Recipient } from './format/recipients.ts';
import { isShare, sayTheSame } from './quorum/sets.ts';
import { endsWork, type Unlocked, type UnlockOptions, unwrapRecipient } from './unwrap-entry.ts';

/** What entries are proven with: the data key, and how it was come by. Lent. */
export interface ProofMaterial {
  readonly head: Head;
  readonly dataKey: Uint8Array;
  readonly opened: Pick<Unlocked, 'used'>;
  /** The list that the entries stand in. */
  readonly recipients: readonly Recipient[];
}

/** That an entry is a true one, and how that is known. */
export interface Proof {
  /** The version that really unwrapped the entry; undefined when only its tag speaks for it. */
  readonly version: string | undefined;
  /** Whether it carries a valid tag. */
  readonly tagged: boolean;
  /** Of a share that was unwrapped: the share. The receiver zeroes it. */
  readonly share?: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Proves that somebody who held the data key wrote an entry: it unwraps to that key, or carries a valid tag. A share
 * proves itself as well when it is one of those that an entry so proven speaks of.
 *
 * @param provider the key of the entry, if it is at hand
 * @returns undefined where nothing proves it
 */
export async function proveEntry(
  material: ProofMaterial,
  entry: Recipient,
  provider: KeyProvider | undefined,
  options: Pick<UnlockOptions, 'observe' | 'signal'>,
): Promise<Proof | undefined> {
  const { head, dataKey, opened } = material;
  const tagKey = entryTagKey(dataKey, head.bind);
  const tagged = checkTag(entry, tagKey) === 'valid';
  const vouched = tagged || isVouched(material, entry, tagKey);
  zero(tagKey);
  const used = opened.used.find(({ recipient }) => recipient === entry);
  if (used !== undefined && entry.share === undefined) return { version: used.version, tagged };
  if (provider !== undefined && (entry.share === undefined || vouched)) {
    try {
      const { secret, version } = await unwrapRecipient(entry, provider, head, options);
      if (entry.share !== undefined) return { version, tagged, share: secret };
      const same = equalSecrets(secret, dataKey);
      zero(secret);
      if (same) return { version, tagged };
    } catch (error) {
      if (endsWork(error)) throw error;
      // The entry cannot be opened now (its version may be destroyed): its tag can still vouch for it.
    }
  }
  return tagged ? { version: undefined, tagged } : undefined;
}

/** Whether an entry of the same set that is proven names the same shares. */
function isVouched({ recipients, opened }: ProofMaterial, entry: Recipient, tagKey: Uint8Array): boolean {
  if (!isShare(entry)) return false;
  return recipients.some(
    (other) =>
      isShare(other) &&
      sayTheSame(other, entry) &&
      (opened.used.some(({ recipient }) => recipient === other) || checkTag(other, tagKey) === 'valid'),
  );
}
