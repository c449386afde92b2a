import { toHex } from '../../bytes/index.ts';
import { sha256 } from '../../crypto/hash.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { type EventFacts, observed } from '../../keys/observer.ts';
import type { KeyProvider, ProviderRewrap, WrappedSecret } from '../../keys/provider.ts';
import { isSteady } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { FLAG, hasFlag, makeBlindRecipient, type Recipient } from '../format/recipients.ts';
import type { Slot } from '../format/slot.ts';
import type { Loaded } from '../load.ts';
import { isShare } from '../quorum/sets.ts';
import { fits, objectFacts } from '../unwrap-entry.ts';
import { assertVersion, assertWrapped } from '../wrap-verified.ts';
import { type ChangedList, encodeList, type UpdateOptions } from './change.ts';
import type { EntryOutcome } from './renew.ts';

/** A key that rewraps by itself. */
type RewrappingKey = KeyProvider & Required<Pick<KeyProvider, 'rewrap'>>;

/**
 * The list after a blind rewrap (SPEC section "Rewrap"): for every key at hand that can rewrap, its entry gets a
 * successor made inside the provider and stays beside it, byte for byte. Nothing is unwrapped, so nothing is dropped.
 *
 * @throws WaxsealError `ERR_HEADER_DAMAGED` where the copies of the list differ: which one is true can only be told by
 * somebody who can open it; `ERR_NO_MATCHING_KEY`; `ERR_PROVIDER_UNSUPPORTED`; `ERR_UNVERIFIED_WRAP`; and whatever the
 * providers refuse with
 */
export async function blindList(
  { head, lists }: Pick<Loaded, 'head' | 'lists'>,
  keys: readonly KeyProvider[],
  options: UpdateOptions,
  name: string,
): Promise<ChangedList & { readonly outcomes: readonly EntryOutcome[] }> {
  const current = settledSlot(lists, name);
  const groups = groupsOf(current.recipients, keys, name);
  const after: Recipient[] = [];
  const outcomes: EntryOutcome[] = [];
  for (const entry of current.recipients) {
    const group = groups.find(({ entries }) => entries.includes(entry));
    if (group === undefined) {
      after.push(entry);
      outcomes.push(outcomeOf(entry, 'kept', entry));
    } else if (entry === group.entries[0]) {
      // All entries of a key together, where the first one stood.
      const changed = await rewrapGroup(group, head, options);
      after.push(...changed.after);
      outcomes.push(...changed.outcomes);
    }
  }
  return { current, after, list: encodeList(after, name), outcomes };
}

/** The list of an object in which nothing is under way and nothing is damaged. */
export function settledSlot(lists: Loaded['lists'], name: string): Slot {
  const slot = lists[0]?.slot;
  if (slot !== undefined && isSteady(lists)) return slot;
  throw new WaxsealError(
    'ERR_HEADER_DAMAGED',
    `${name} has copies of its recipients that are damaged or differ; only who can open it can tell which is true`,
    { object: name, next: 'run an ordinary rewrap, or repair, with a key that may decrypt' },
  );
}

interface Group {
  readonly key: RewrappingKey;
  readonly entries: readonly Recipient[];
}

function groupsOf(recipients: readonly Recipient[], keys: readonly KeyProvider[], name: string): Group[] {
  const groups: Group[] = [];
  const taken = new Set<Recipient>();
  const unable: string[] = [];
  for (const key of keys) {
    const entries = recipients.filter((entry) => !isShare(entry) && !taken.has(entry) && fits(entry, key));
    if (entries.length === 0) continue;
    if (!canRewrap(key)) {
      unable.push(key.uri);
      continue;
    }
    for (const entry of entries) taken.add(entry);
    groups.push({ key, entries });
  }
  if (groups.length > 0) return groups;
  if (unable.length > 0) {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${unable.join(', ')} cannot rewrap without unwrapping`, {
      object: name,
      next: 'run the rewrap without --blind',
    });
  }
  const needs = [...new Set(recipients.map(({ uri }) => uri))].join(', ');
  throw new WaxsealError(
    'ERR_NO_MATCHING_KEY',
    `${name} is sealed to ${needs}; none of the keys at hand is one of them`,
    {
      object: name,
    },
  );
}

const canRewrap = (key: KeyProvider): key is RewrappingKey => key.rewrap !== undefined;

interface ChangedGroup {
  readonly after: readonly Recipient[];
  readonly outcomes: readonly EntryOutcome[];
}

async function rewrapGroup({ key, entries }: Group, head: Head, options: UpdateOptions): Promise<ChangedGroup> {
  const blind = entries.filter((entry) => hasFlag(entry, FLAG.blind));
  const proven = entries.filter((entry) => !blind.includes(entry));
  let failure: unknown;
  let second: { readonly source: Recipient; readonly made: ProviderRewrap } | undefined;
  // The newest successor first: if it is on the current version, nothing is to be done. Then what somebody saw open.
  for (const source of [...blind.slice(-1), ...proven, ...blind.slice(0, -1)]) {
    let made: ProviderRewrap;
    try {
      made = await rewrapOnce(key, source, head, options);
    } catch (error) {
      // Only "not a wrap of mine" and "that version is off" say something about the entry; the rest ends the work.
      if (!isWaxsealError(error, 'ERR_AUTHENTICATION') && !isWaxsealError(error, 'ERR_KEY_DISABLED')) throw error;
      failure ??= error;
      continue;
    }
    const isCurrent = made.from === made.wrapped.version && source.version === made.from && source.uri === key.uri;
    if (isCurrent) return { after: entries, outcomes: entries.map((entry) => outcomeOf(entry, 'current', entry)) };
    // Behind a successor of an older version stands an entry that was seen to open: better made from that, if it can be.
    if (!blind.includes(source)) return succeed({ key, entries }, source, made, head, options);
    second ??= { source, made };
  }
  if (second !== undefined) return succeed({ key, entries }, second.source, second.made, head, options);
  if (failure !== undefined) throw failure;
  throw new WaxsealError('ERR_INTERNAL', `no entry of ${key.uri} was tried`);
}

/** The group with a successor, after that was shown to be a wrap of the key for this object. */
async function succeed(
  { key, entries }: Group,
  source: Recipient,
  { wrapped, from }: ProviderRewrap,
  head: Head,
  options: UpdateOptions,
): Promise<ChangedGroup> {
  assertVersion(wrapped.version, key);
  const again = await rewrapOnce(key, wrapped, head, options).catch((error: unknown) => {
    if (!isWaxsealError(error, 'ERR_AUTHENTICATION')) throw error;
    throw unverified(key, error);
  });
  if (again.from !== wrapped.version) throw unverified(key);
  const fresh = makeBlindRecipient({ ...wrapped, wrap: new Uint8Array(wrapped.wrap) }, Math.floor(Date.now() / 1000));
  // Older successors are no better than this one; what was seen to open, and what this was made from, stays.
  const kept = entries.filter((entry) => !hasFlag(entry, FLAG.blind) || entry === source);
  const twins = kept.filter((entry) => entry.version === fresh.version && entry.uri === fresh.uri);
  const outcomes = entries.map((entry) =>
    outcomeOf({ ...entry, version: entry === source ? from : entry.version }, 'blind', fresh),
  );
  // An entry that claims this version, and is of another: it cannot stand beside the true one under the same name.
  if (twins.length > 0) throw forged(key, fresh.version);
  return { after: [...kept, fresh], outcomes };
}

function outcomeOf(entry: Recipient, action: EntryOutcome['action'], to: Recipient): EntryOutcome {
  const assurance = action === 'blind' ? ({ assurance: 'validated' } as const) : {};
  return { uri: entry.uri, action, from: entry.version, to: to.version, toUri: to.uri, ...assurance };
}

/** One rewrap inside the provider, watched as the use of a key that it is. */
async function rewrapOnce(
  key: RewrappingKey,
  { uri, version, algorithm, wrap }: WrappedSecret,
  head: Head,
  { observe, signal }: UpdateOptions,
): Promise<ProviderRewrap> {
  const facts = (): EventFacts => ({
    ...objectFacts(head),
    keyUri: key.uri,
    keyVersion: version,
    algorithm,
    wrapDigest: toHex(sha256(wrap)),
    assurance: 'validated',
  });
  return observed(
    observe,
    'wrap',
    facts,
    async () => {
      const made = await key.rewrap({ uri, version, algorithm, wrap }, head.bind, { signal });
      assertWrapped(made.wrapped, key);
      return made;
    },
    ({ wrapped }) => ({ keyVersion: wrapped.version, wrapDigest: toHex(sha256(wrapped.wrap)) }),
  );
}

function unverified(key: KeyProvider, cause?: unknown): WaxsealError {
  return new WaxsealError(
    'ERR_UNVERIFIED_WRAP',
    `a wrap that ${key.uri} had just made could not be rewrapped by it; nothing was written`,
    { object: key.uri, cause },
  );
}

function forged(key: KeyProvider, version: string): WaxsealError {
  return new WaxsealError(
    'ERR_UNEXPECTED_OBJECT',
    `an entry of ${key.uri} claims version ${version}, but was wrapped under another`,
    { object: key.uri, next: 'run an ordinary rewrap with a key that may decrypt: it records the true version' },
  );
}
