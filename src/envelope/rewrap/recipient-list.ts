import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { entryTagKey, type Recipient } from '../format/recipients.ts';
import type { FreshRecipient } from '../entry-material.ts';
import { freshRecipients } from '../fresh-recipients.ts';
import type { MasterKey } from '../keys-input.ts';
import { Quorum } from '../quorum/quorum.ts';
import { isShare, shareSets } from '../quorum/sets.ts';
import { objectFacts } from '../unwrap-entry.ts';
import type { CurrentRecipients, UpdateOptions } from './change.ts';

/** New entries for a key or a quorum, proven before they are used. */
export async function newEntries(
  { head, dataKey }: CurrentRecipients,
  target: MasterKey,
  options: UpdateOptions,
): Promise<readonly FreshRecipient[]> {
  const tagKey = entryTagKey(dataKey, head.bind);
  try {
    return await freshRecipients(target, { dataKey, bind: head.bind, tagKey }, () => objectFacts(head), options);
  } finally {
    zero(tagKey);
  }
}

/** @throws WaxsealError `ERR_RECIPIENT_EXISTS` for a key that the list has already, or a custodian of another quorum */
export function refuseTwice(recipients: readonly Recipient[], added: MasterKey, object: string): void {
  const exists = (what: string): WaxsealError =>
    new WaxsealError('ERR_RECIPIENT_EXISTS', `${object} is sealed to ${what} already`, { object });
  if (!(added instanceof Quorum)) {
    if (recipients.some((entry) => !isShare(entry) && entry.uri === added.uri)) throw exists(added.uri);
    return;
  }
  const sets = shareSets(recipients);
  if (sets.some(({ uri }) => uri === added.uri)) throw exists(added.uri);
  for (const { uri } of added.custodians) {
    const other = sets.find(({ entries }) => entries.some((entry) => entry.uri === uri));
    if (other !== undefined) throw exists(`${other.uri}, of which ${uri} is a custodian,`);
  }
}

/**
 * The list without a key or a quorum.
 *
 * @throws WaxsealError `ERR_RECIPIENT_NOT_FOUND`, also for a single custodian: without its share the quorum would be another
 */
export function without(recipients: readonly Recipient[], removedUri: string, object: string): Recipient[] {
  const sets = shareSets(recipients);
  const whole = sets.find(({ uri }) => uri === removedUri);
  const gone = (entry: Recipient): boolean =>
    isShare(entry) ? whole?.entries.includes(entry) === true : entry.uri === removedUri;
  const left = recipients.filter((entry) => !gone(entry));
  if (left.length < recipients.length) return left;
  const set = sets.find(({ entries }) => entries.some(({ uri }) => uri === removedUri));
  if (set === undefined) {
    throw new WaxsealError('ERR_RECIPIENT_NOT_FOUND', `${object} has no recipient ${removedUri}`, { object });
  }
  throw new WaxsealError('ERR_RECIPIENT_NOT_FOUND', `${removedUri} is a custodian of ${set.uri}, not a recipient`, {
    object,
    next: 'remove the quorum as a whole, or give the share to another key: waxseal rewrap --from CUSTODIAN --to KEY',
  });
}
