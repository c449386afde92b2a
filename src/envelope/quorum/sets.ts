import { equalBytes, toHex } from '../../bytes/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Recipient } from '../format/recipients.ts';
import type { Share } from '../format/share.ts';
import { quorumUri } from './quorum.ts';

/** An entry that is a share. */
export type ShareEntry = Recipient & { readonly share: Share };

/** The entries of one splitting. */
export interface ShareSet {
  readonly threshold: number;
  readonly custodians: number;
  /** In the order of the list. */
  readonly entries: readonly ShareEntry[];
  /** `quorum:K(…)`, with the custodians in the order of their shares. */
  readonly uri: string;
  /** The digest of each share that most of the entries name: a changed entry is outvoted by the others. */
  readonly digests: readonly Uint8Array[];
}

/** Whether an entry is a share of a quorum, and one that this version can use. */
export function isShare(entry: Recipient): entry is ShareEntry {
  return entry.supported && entry.share !== undefined;
}

/** The quorums of a list, in the order in which they begin. */
export function shareSets(recipients: readonly Recipient[]): ShareSet[] {
  const groups = new Map<string, ShareEntry[]>();
  for (const entry of recipients) {
    if (!isShare(entry)) continue;
    const { setId, threshold, custodians } = entry.share;
    const name = `${toHex(setId)}/${String(threshold)}/${String(custodians)}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].map((entries) => {
    const [{ share }] = entries as [ShareEntry];
    const { threshold, custodians } = share;
    const inOrder = [...entries].sort((a, b) => a.share.index - b.share.index);
    const uri = quorumUri(
      threshold,
      inOrder.map((entry) => entry.uri),
    );
    return { threshold, custodians, entries, uri, digests: votes(entries, custodians) };
  });
}

/** Whether two entries are of one splitting, and say the same of all its shares. */
export function sayTheSame(a: ShareEntry, b: ShareEntry): boolean {
  return (
    equalBytes(a.share.setId, b.share.setId) &&
    a.share.threshold === b.share.threshold &&
    a.share.custodians === b.share.custodians &&
    a.share.digests.every((digest, at) => equalBytes(digest, b.share.digests[at] ?? new Uint8Array(0)))
  );
}

/**
 * Two shares for one custodian would make the quorum weaker than it says.
 *
 * @throws WaxsealError `ERR_RECIPIENT_EXISTS` where the key that is to get a share has one of the same set already
 */
export function refuseSecondShare(recipients: readonly Recipient[], entry: ShareEntry, toUri: string): void {
  if (toUri === entry.uri) return;
  const set = shareSets(recipients).find(({ entries }) => entries.includes(entry));
  if (set?.entries.some(({ uri }) => uri === toUri) !== true) return;
  throw new WaxsealError('ERR_RECIPIENT_EXISTS', `${toUri} is a custodian of ${set.uri} already`, {
    object: toUri,
    next: 'give the share to a key that has none: with two of them one custodian would count twice',
  });
}

/** Whether the entry names the same digests as most entries of its set. */
export function agrees(entry: ShareEntry, { digests }: Pick<ShareSet, 'digests'>): boolean {
  return entry.share.digests.every((digest, at) => equalBytes(digest, digests[at] ?? new Uint8Array(0)));
}

function votes(entries: readonly ShareEntry[], custodians: number): Uint8Array[] {
  return Array.from({ length: custodians }, (_, at) => {
    const counts = new Map<string, { digest: Uint8Array; count: number }>();
    for (const { share } of entries) {
      const digest = share.digests[at] ?? new Uint8Array(0);
      const known = counts.get(toHex(digest));
      if (known === undefined) counts.set(toHex(digest), { digest, count: 1 });
      else known.count += 1;
    }
    const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
    return most?.digest ?? new Uint8Array(0);
  });
}
