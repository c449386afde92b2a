import { zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { Head } from '../format/head.ts';
import type { Recipient } from '../format/recipients.ts';
import { freshShare } from '../quorum/fresh-shares.ts';
import { Quorum } from '../quorum/quorum.ts';
import { agrees, isShare, refuseSecondShare, type ShareEntry, shareSets } from '../quorum/sets.ts';
import { SharedKey } from '../quorum/share-file.ts';
import { fits, objectFacts, unwrapRecipient } from '../unwrap-entry.ts';
import { settledSlot } from './blind.ts';
import { type ChangedList, encodeList, type ListChange, type UpdateOptions } from './change.ts';
import type { EntryOutcome, Replacement } from './renew.ts';

/** The list, and what became of its entries. */
interface ChangedShares extends ChangedList {
  readonly outcomes: readonly EntryOutcome[];
}

/**
 * A rewrap by somebody who can open the object; or, where only some custodians are at hand, by those: each wraps its own
 * share anew, which takes no data key.
 *
 * @param alone told what became of the entries in the second case
 */
export function orShares(
  whole: ListChange,
  replace: { readonly from: string | undefined; readonly to: Replacement['to'] | undefined },
  alone: (outcomes: readonly EntryOutcome[]) => void,
): ListChange {
  return async (loaded, all, options, name) => {
    const keys = all.filter((key) => !(key instanceof SharedKey));
    try {
      return await whole(loaded, all, options, name);
    } catch (error) {
      const isIncomplete = isWaxsealError(error, 'ERR_NO_MATCHING_KEY') || isWaxsealError(error, 'ERR_USAGE');
      const entries = loaded.lists[0]?.slot?.recipients ?? [];
      const [from, to] = [replace.from, replace.to];
      const isMine = (entry: Recipient): boolean =>
        isShare(entry) && keys.some((key) => fits(entry, key)) && (from === undefined || entry.uri === from);
      const isOpener = (entry: Recipient): boolean => !isShare(entry) && keys.some((key) => fits(entry, key));
      if (!isIncomplete || !entries.some(isMine) || entries.some(isOpener)) throw error;
      if (to instanceof Quorum || (to !== undefined && from === undefined)) throw error;
      const changed = await sharesAlone(loaded, keys, options, name, isMine, to);
      alone(changed.outcomes);
      return changed;
    }
  };
}

async function sharesAlone(
  { head, lists }: Parameters<ListChange>[0],
  keys: readonly KeyProvider[],
  options: UpdateOptions,
  name: string,
  isMine: (entry: Recipient) => boolean,
  to: KeyProvider | undefined,
): Promise<ChangedShares> {
  const current = settledSlot(lists, name);
  const after: Recipient[] = [];
  const outcomes: EntryOutcome[] = [];
  for (const entry of current.recipients) {
    const provider = keys.find((key) => fits(entry, key));
    if (!isShare(entry) || provider === undefined || !isMine(entry)) {
      after.push(entry);
      outcomes.push(outcome(entry, 'kept', entry));
      continue;
    }
    refuseDisagreement(current.recipients, entry, name);
    refuseSecondShare(current.recipients, entry, (to ?? provider).uri);
    const renewed = await renewAlone(entry, provider, to ?? provider, head, options);
    after.push(renewed);
    outcomes.push(outcome(entry, renewed === entry ? 'current' : 'share', renewed));
  }
  return { current, after, list: encodeList(after, name), outcomes };
}

async function renewAlone(
  entry: ShareEntry,
  provider: KeyProvider,
  target: KeyProvider,
  head: Head,
  options: UpdateOptions,
): Promise<Recipient> {
  const { secret, version } = await unwrapRecipient(entry, provider, head, options);
  try {
    if (target === provider) {
      const described = await provider.describe?.({ signal: options.signal });
      if (described?.currentVersion === version && entry.version === version) return entry;
    }
    const material = { bind: head.bind, tagKey: undefined };
    const { recipient } = await freshShare(entry.share, secret, target, material, () => objectFacts(head), options);
    return recipient;
  } finally {
    zero(secret);
  }
}

/** Without the data key, the entries of a set are believed only where they all say the same. */
function refuseDisagreement(recipients: readonly Recipient[], entry: ShareEntry, name: string): void {
  const set = shareSets(recipients).find(({ entries }) => entries.includes(entry));
  const differing = set?.entries.filter((one) => !agrees(one, set)) ?? [];
  if (differing.length === 0) return;
  throw new WaxsealError(
    'ERR_AUTHENTICATION',
    `${name}: the entry of ${differing.map(({ uri }) => uri).join(', ')} does not say of the shares what the others say`,
    { object: name, next: 'run an ordinary rewrap with as many custodians as can open the object' },
  );
}

function outcome(entry: Recipient, action: EntryOutcome['action'], to: Recipient): EntryOutcome {
  const assurance = action === 'share' ? ({ assurance: 'compared' } as const) : {};
  return { uri: entry.uri, action, from: entry.version, to: to.version, toUri: to.uri, ...assurance };
}
