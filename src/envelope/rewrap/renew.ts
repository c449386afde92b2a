import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { checkTag, entryTagKey, FLAG, hasFlag, makeRecipient, type Recipient } from '../format/recipients.ts';
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
   * key at hand, but nothing proves that somebody who held the data key wrote it, so that it was left alone;
   * `confirmed`: a successor of a blind rewrap was seen to give the data key; `blind`: its provider made a successor,
   * beside which it stands until that is confirmed.
   */
  readonly action: 'renewed' | 'current' | 'merged' | 'kept' | 'unproven' | 'confirmed' | 'blind';
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
  const { recipients } = current.opened.slot;
  const fresh = new Map<KeyProvider, FreshRecipient>();
  const renewed = new Map<Recipient, Renewed>();
  // Successors of a blind rewrap first: one that is confirmed takes the place of what it was made from.
  const order = [...recipients].sort((a, b) => Number(hasFlag(b, FLAG.blind)) - Number(hasFlag(a, FLAG.blind)));
  for (const entry of order) {
    renewed.set(entry, await renewEntry(current, entry, keys, options, replace, fresh));
  }
  const inOrder = recipients.flatMap((entry) => renewed.get(entry) ?? []);
  return {
    after: withoutTwins(
      inOrder.flatMap(({ recipient }) => recipient ?? []),
      fresh,
    ),
    outcomes: inOrder.map(({ outcome }) => outcome),
  };
}

/** What became of an entry, and what stands in its place. */
interface Renewed {
  readonly recipient: Recipient | undefined;
  readonly outcome: EntryOutcome;
}

async function renewEntry(
  current: CurrentRecipients,
  entry: Recipient,
  keys: readonly KeyProvider[],
  options: UpdateOptions,
  replace: { readonly from: string; readonly to: KeyProvider } | undefined,
  fresh: Map<KeyProvider, FreshRecipient>,
): Promise<Renewed> {
  const became = (action: EntryOutcome['action'], recipient: Recipient | undefined, made?: FreshRecipient): Renewed => {
    const { version: to, uri: toUri } = made?.recipient ?? recipient ?? entry;
    const proven = made === undefined ? {} : { assurance: made.assurance };
    return { recipient, outcome: { uri: entry.uri, action, from: entry.version, to, toUri, ...proven } };
  };
  const provider = keys.find((key) => fits(entry, key));
  if (replace === undefined ? provider === undefined : entry.uri !== replace.from) return became('kept', entry);
  const proof = await prove(current, entry, provider, options);
  if (proof === undefined) return became('unproven', entry);
  const target = replace?.to ?? provider;
  if (target === undefined) throw new WaxsealError('ERR_INTERNAL', `no target key for the entry of ${entry.uri}`);
  const known = fresh.get(target);
  if (known !== undefined) return became('merged', undefined, known);
  const currentVersion = replace === undefined ? await currentOf(proof, target, options) : undefined;
  if (currentVersion !== undefined && isRecorded(proof, entry, currentVersion)) {
    return became('current', entry);
  }
  const confirms = currentVersion !== undefined && hasFlag(entry, FLAG.blind) && entry.uri === target.uri;
  const made = confirms
    ? confirmedRecipient(current, entry, currentVersion)
    : await freshRecipient(current, target, options);
  fresh.set(target, made);
  return became(confirms ? 'confirmed' : 'renewed', made.recipient, made);
}

/** The same wrap, which has just been opened and compared: with a tag, and without flags. */
function confirmedRecipient(
  { head, dataKey }: CurrentRecipients,
  { uri, algorithm, wrap, wrappedAt }: Recipient,
  version: string,
): FreshRecipient {
  const tagKey = entryTagKey(dataKey, head.bind);
  const at = wrappedAt ?? Math.floor(Date.now() / 1000);
  const recipient = makeRecipient({ uri, version, algorithm, wrap }, at, tagKey);
  zero(tagKey);
  return { recipient, assurance: 'compared' };
}

interface Proof {
  /** The version that really unwrapped the entry; undefined when only its tag speaks for it. */
  readonly version: string | undefined;
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
  if (entry === opened.recipient) return { version: opened.version, tagged };
  if (provider !== undefined) {
    try {
      const { secret, version } = await unwrapRecipient(entry, provider, head, options);
      const same = equalSecrets(secret, dataKey);
      zero(secret);
      if (same) return { version, tagged };
    } catch (error) {
      if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
      // The entry cannot be opened now (its version may be destroyed): its tag can still vouch for it.
    }
  }
  return tagged ? { version: undefined, tagged } : undefined;
}

/** The version that the entry really is of, if that is the current one. */
async function currentOf(proof: Proof, provider: KeyProvider, { signal }: UpdateOptions): Promise<string | undefined> {
  if (proof.version === undefined) return undefined;
  const description = await provider.describe?.({ signal });
  return description?.currentVersion === proof.version ? proof.version : undefined;
}

/** The header's own word for the version decides nothing: what the verifying unwrap said is compared. */
function isRecorded(proof: Proof, entry: Recipient, version: string): boolean {
  return entry.version === version && proof.tagged;
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
