import { zero } from '../../crypto/secrets.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { UnlockedSlot } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { checkTag, entryTagKey, FLAG, hasFlag, type Recipient, type TagState } from '../format/recipients.ts';
import type { ObjectOptions } from '../opened-object.ts';
import { proveEntry } from '../prove-entry.ts';
import { fits } from '../unwrap-entry.ts';
import type { Finding } from './damage.ts';

/** What came of one recipient entry. */
export interface VerifiedRecipient {
  /** Key URI, without a version. */
  readonly uri: string;
  /** Version of the key, as its provider calls it. */
  readonly version: string;
  /** `opened`: unwrapped to the data key; `failed`: for a key at hand, and did not; `not tried`: no key at hand. */
  readonly unwrap: 'opened' | 'failed' | 'not tried';
  /** Whether somebody who held the data key wrote the entry as it stands. */
  readonly tag: TagState;
}

/** Unwraps every entry of a key at hand, and checks the tags of all. */
export async function verifyRecipients(
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: ObjectOptions,
): Promise<VerifiedRecipient[]> {
  const tagKey = entryTagKey(unlocked.dataKey, head.bind);
  try {
    const verified: VerifiedRecipient[] = [];
    for (const entry of unlocked.slot.recipients) {
      const { uri, version } = entry;
      const unwrap = await tryUnwrap(entry, head, unlocked, keys, options);
      verified.push({ uri, version, unwrap, tag: checkTag(entry, tagKey) });
    }
    return verified;
  } finally {
    zero(tagKey);
  }
}

async function tryUnwrap(
  entry: Recipient,
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: ObjectOptions,
): Promise<VerifiedRecipient['unwrap']> {
  if (unlocked.used.some(({ recipient }) => recipient === entry)) return 'opened';
  const provider = keys.find((key) => fits(entry, key));
  if (provider === undefined) return 'not tried';
  const { dataKey, slot } = unlocked;
  const material = { head, dataKey, opened: unlocked, recipients: slot.recipients };
  const proof = await proveEntry(material, entry, provider, options);
  zero(proof?.share);
  return proof?.version === undefined ? 'failed' : 'opened';
}

/** What is wrong with entries. */
export function findRecipientDamage(recipients: readonly VerifiedRecipient[], { slot }: UnlockedSlot): Finding[] {
  const findings: Finding[] = [];
  recipients.forEach(({ uri, version, unwrap, tag }, index) => {
    const who = `the recipient ${uri} version ${version}`;
    const blind = hasFlag(slot.recipients[index] ?? { flags: 0 }, FLAG.blind);
    if (unwrap === 'failed') {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'error',
        message: `${who} does not open the object`,
        next: 'remove it and add it again, while another recipient still opens the object',
      });
    }
    if (tag === 'invalid') {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'error',
        message: `${who} was changed, or was added by somebody who does not hold the data key`,
        next: 'remove it and add it again, while another recipient still opens the object',
      });
    }
    if (tag === 'missing' && (recipients.length > 1 || blind)) {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'warning',
        message: `${who} has no tag: only its own key can tell whether it opens the object`,
        next: 'rewrap with that key at hand',
      });
    }
  });
  return findings;
}
