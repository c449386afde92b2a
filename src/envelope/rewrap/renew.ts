import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import {
  entryTagKey,
  FLAG,
  hasFlag,
  makeRecipient,
  makeShareRecipient,
  type Recipient,
  wrappedOf,
} from '../format/recipients.ts';
import type { EntryMaterial, FreshRecipient } from '../entry-material.ts';
import { freshRecipients } from '../fresh-recipients.ts';
import type { MasterKey } from '../keys-input.ts';
import { type Proof, proveEntry, type ProofMaterial } from '../prove-entry.ts';
import { freshShare } from '../quorum/fresh-shares.ts';
import { Quorum } from '../quorum/quorum.ts';
import { isShare, refuseSecondShare, type ShareEntry, shareSets } from '../quorum/sets.ts';
import { SharedKey } from '../quorum/share-file.ts';
import { fits, objectFacts } from '../unwrap-entry.ts';
import type { Assurance } from '../wrap-verified.ts';
import type { CurrentRecipients, UpdateOptions } from './change.ts';

/** What became of one entry. */
export interface EntryOutcome {
  /** Key URI of the entry as it was, without a version. */
  readonly uri: string;
  /**
   * `renewed`: a new wrap under the current version; `current`: verified to be on it already; `merged`: dropped because
   * another entry holds the same version of the same key now; `kept`: not one of the keys at hand; `unproven`: for a
   * key at hand, but nothing proves that somebody who held the data key wrote it, so that it was left alone;
   * `confirmed`: a successor of a blind rewrap was seen to give the data key; `blind`: its provider made a successor,
   * beside which it stands until that is confirmed; `share`: a custodian wrapped its share anew without the data key,
   * which the next rewrap by enough custodians confirms; `added` and `removed`: by `setRecipients`.
   */
  readonly action:
    'renewed' | 'current' | 'merged' | 'kept' | 'unproven' | 'confirmed' | 'blind' | 'share' | 'added' | 'removed';
  /** Version that it was wrapped under. */
  readonly from: string;
  /** Version that it is wrapped under now. */
  readonly to: string;
  /** The key that the entry names now: another one only when it was replaced. */
  readonly toUri: string;
  /**
   * How a new wrap was proven: `compared`, unwrapped again; `recomputed`, opened by its sender, who has only the public
   * key; `validated`, made by its provider, which could rewrap it once more. Absent where nothing was wrapped.
   */
  readonly assurance?: Assurance | undefined;
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
  replace?: Replacement,
): Promise<{ readonly after: readonly Recipient[]; readonly outcomes: readonly EntryOutcome[] }> {
  const { head, dataKey, opened } = current;
  const { recipients } = opened.slot;
  const tagKey = entryTagKey(dataKey, head.bind);
  try {
    const work: Work = {
      head,
      dataKey,
      bind: head.bind,
      opened,
      recipients,
      tagKey,
      keys,
      options,
      replace,
      fresh: new Map(),
    };
    const renewed = new Map<Recipient, Renewed>();
    // Successors of a blind rewrap first: one that is confirmed takes the place of what it was made from.
    const order = [...recipients].sort((a, b) => Number(hasFlag(b, FLAG.blind)) - Number(hasFlag(a, FLAG.blind)));
    for (const entry of order) {
      renewed.set(
        entry,
        await (isShare(entry) && !isWhole(entry, work) ? renewShare(entry, work) : renewEntry(entry, work)),
      );
    }
    const inOrder = recipients.flatMap((entry) => renewed.get(entry) ?? []);
    return {
      after: withoutTwins(
        inOrder.flatMap((one) => one.recipients),
        work.fresh,
      ),
      outcomes: inOrder.map(({ outcome }) => outcome),
    };
  } finally {
    zero(tagKey);
  }
}

/** Which entries are replaced, and by what. */
export interface Replacement {
  /** Key URI of the entries, or that of a quorum. */
  readonly from: string;
  readonly to: MasterKey;
}

/** The entries that a replacement is about: of that key, the shares that it has, or those of the whole quorum. */
export function entriesOf(uri: string, recipients: readonly Recipient[]): readonly Recipient[] {
  const whole = shareSets(recipients).filter((set) => set.uri === uri);
  return [...recipients.filter((entry) => entry.uri === uri), ...whole.flatMap(({ entries }) => entries)];
}

interface Work extends ProofMaterial, EntryMaterial {
  readonly keys: readonly KeyProvider[];
  readonly options: UpdateOptions;
  readonly replace: Replacement | undefined;
  /** What was made for each key so far: one new wrap is enough for all its entries. */
  readonly fresh: Map<MasterKey, readonly FreshRecipient[]>;
}

/** What became of an entry, and what stands in its place. */
interface Renewed {
  readonly recipients: readonly Recipient[];
  readonly outcome: EntryOutcome;
}

/** Whether a share goes with its whole quorum, which is replaced. */
function isWhole(entry: ShareEntry, { replace, recipients }: Work): boolean {
  return shareSets(recipients).some(({ uri, entries }) => uri === replace?.from && entries.includes(entry));
}

function became(
  entry: Recipient,
  action: EntryOutcome['action'],
  recipients: readonly Recipient[],
  made?: { readonly target: MasterKey; readonly fresh: readonly FreshRecipient[] },
): Renewed {
  const [now = recipients[0] ?? entry] = made?.fresh.map(({ recipient }) => recipient) ?? [];
  const assurance =
    made?.fresh.some((one) => one.assurance === 'recomputed') === true ? 'recomputed' : made?.fresh[0]?.assurance;
  const toUri = made === undefined ? now.uri : made.target.uri;
  const to = made?.target instanceof Quorum ? '' : now.version;
  const proven = assurance === undefined ? {} : { assurance };
  return { recipients, outcome: { uri: entry.uri, action, from: entry.version, to, toUri, ...proven } };
}

async function renewEntry(entry: Recipient, work: Work): Promise<Renewed> {
  const { keys, options, replace, fresh } = work;
  const provider = keys.find((key) => fits(entry, key));
  const isMeant =
    replace === undefined ? provider !== undefined : entriesOf(replace.from, work.recipients).includes(entry);
  if (!isMeant) return became(entry, 'kept', [entry]);
  const proof = await proveEntry(work, entry, provider, options);
  zero(proof?.share);
  if (proof === undefined) return became(entry, 'unproven', [entry]);
  const target = replace?.to ?? provider;
  if (target === undefined) throw new WaxsealError('ERR_INTERNAL', `no target key for the entry of ${entry.uri}`);
  const known = fresh.get(target);
  if (known !== undefined) return became(entry, 'merged', [], { target, fresh: known });
  const currentVersion = replace === undefined ? await currentOf(proof, provider, options) : undefined;
  if (currentVersion !== undefined && isRecorded(proof, entry, currentVersion))
    return became(entry, 'current', [entry]);
  const confirms = currentVersion !== undefined && hasFlag(entry, FLAG.blind) && entry.uri === target.uri;
  const made = confirms
    ? [confirmed(entry, currentVersion, work)]
    : await freshRecipients(target, work, () => objectFacts(work.head), options);
  fresh.set(target, made);
  const instead = made.map(({ recipient }) => recipient);
  return became(entry, confirms ? 'confirmed' : 'renewed', instead, { target, fresh: made });
}

/** A share: its custodian's key unwraps it, and it is wrapped again. The others stay byte for byte. */
async function renewShare(entry: ShareEntry, work: Work): Promise<Renewed> {
  const { keys, options, replace, head } = work;
  const provider = keys.find((key) => !(key instanceof SharedKey) && fits(entry, key));
  if (replace === undefined ? provider === undefined : entry.uri !== replace.from)
    return became(entry, 'kept', [entry]);
  const target = replace?.to ?? provider;
  if (target instanceof Quorum) throw oneForOne(entry.uri, target);
  if (target !== undefined) refuseSecondShare(work.recipients, entry, target.uri);
  const proof = await proveEntry(work, entry, provider, options);
  try {
    // Without its custodian's key nobody has the share, whoever vouches for the entry.
    if (proof?.share === undefined || target === undefined)
      return became(entry, proof === undefined ? 'unproven' : 'kept', [entry]);
    const currentVersion = replace === undefined ? await currentOf(proof, provider, options) : undefined;
    const isCurrent = currentVersion !== undefined && entry.version === currentVersion;
    if (isCurrent && proof.tagged) return became(entry, 'current', [entry]);
    const made = isCurrent
      ? confirmed(entry, currentVersion, work)
      : await freshShare(entry.share, proof.share, target, work, () => objectFacts(head), options);
    return became(entry, isCurrent ? 'confirmed' : 'renewed', [made.recipient], { target, fresh: [made] });
  } finally {
    zero(proof?.share);
  }
}

/** The same wrap, which has just been opened and compared: with a tag, and without flags. */
function confirmed(entry: Recipient, version: string, { tagKey }: Work): FreshRecipient {
  const at = entry.wrappedAt ?? Math.floor(Date.now() / 1000);
  const wrapped = { ...wrappedOf(entry), version };
  const recipient =
    entry.share === undefined
      ? makeRecipient(wrapped, at, tagKey)
      : makeShareRecipient(wrapped, entry.share, at, tagKey);
  return { recipient, assurance: 'compared' };
}

function oneForOne(uri: string, target: Quorum): WaxsealError {
  return new WaxsealError('ERR_USAGE', `${uri} is a custodian: its share cannot be given to ${target.uri}`, {
    object: uri,
    next: 'replace a custodian by one key, or the whole quorum (--from quorum:…) by another',
  });
}

/** The version that the entry really is of, if that is the current one. */
async function currentOf(
  proof: Proof,
  provider: KeyProvider | undefined,
  { signal }: UpdateOptions,
): Promise<string | undefined> {
  if (proof.version === undefined) return undefined;
  const description = await provider?.describe?.({ signal });
  return description?.currentVersion === proof.version ? proof.version : undefined;
}

/** The header's own word for the version decides nothing: what the verifying unwrap said is compared. */
function isRecorded(proof: Proof, entry: Recipient, version: string): boolean {
  return entry.version === version && proof.tagged;
}

/** An older entry may have come to the same key and version as a fresh one: the fresh one stays. */
function withoutTwins(
  list: readonly Recipient[],
  fresh: ReadonlyMap<MasterKey, readonly FreshRecipient[]>,
): Recipient[] {
  const made = [...fresh.values()].flat().map(({ recipient }) => recipient);
  return list.filter(
    (entry) =>
      made.includes(entry) ||
      !made.some((f) => f.uri === entry.uri && f.version === entry.version && f.algorithm === entry.algorithm),
  );
}
