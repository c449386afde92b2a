import { refuseUnknownOptions } from '../../errors/index.ts';
import type { ByteStream } from '../byte-stream.ts';
import type { Recipient } from '../format/recipients.ts';
import { keyList, type Keys, type MasterKey, targetList } from '../keys-input.ts';
import { proveEntry } from '../prove-entry.ts';
import { Quorum } from '../quorum/quorum.ts';
import { isShare, shareSets } from '../quorum/sets.ts';
import { zero } from '../../crypto/secrets.ts';
import { fits } from '../unwrap-entry.ts';
import {
  type Changed,
  changeObject,
  type ChangeSubject,
  IN_PLACE_OPTIONS,
  type InPlaceOptions,
  type RewrapReport,
} from './change-object.ts';
import { type CurrentRecipients, unlocked, type UpdateOptions } from './change.ts';
import { newEntries } from './recipient-list.ts';
import type { EntryOutcome } from './renew.ts';

/**
 * Makes exactly these keys and quorums the recipients of a sealed file, in place and at once. Who is one already, and
 * proves it, keeps the entry byte for byte; who is missing is added; all others are removed. Bytes and streams give a
 * changed copy. Not revocation: whoever could open it may have kept the data key or a copy; that takes a reseal.
 *
 * @param path path or file URL of the sealed file (the header of a detached object); or a sealed object or header as bytes or stream
 * @param keys keys that can open it
 * @param wanted who can open it afterwards
 * @throws WaxsealError as `rewrap`
 *
 * @example
 * const wanted = [keyring.key('default'), x25519Recipient('x25519:hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo')];
 * await setRecipients('model.onnx.wax', keyring.key('old'), wanted);
 */
export function setRecipients(
  path: string | URL,
  keys: Keys,
  wanted: Keys,
  options?: InPlaceOptions,
): Promise<RewrapReport>;
export function setRecipients(
  sealed: Uint8Array,
  keys: Keys,
  wanted: Keys,
  options?: InPlaceOptions,
): Promise<Uint8Array>;
export function setRecipients(
  sealed: ByteStream,
  keys: Keys,
  wanted: Keys,
  options?: InPlaceOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function setRecipients(
  subject: ChangeSubject,
  keys: Keys,
  wanted: Keys,
  options: InPlaceOptions = {},
): Promise<Changed> {
  refuseUnknownOptions('setRecipients', options, IN_PLACE_OPTIONS);
  const providers = keyList(keys, 'setRecipients');
  const targets = targetList(wanted, 'setRecipients');
  if (new Set(targets.map(({ uri }) => uri)).size < targets.length) {
    throw new TypeError('setRecipients: a recipient is named twice');
  }
  let outcomes: readonly EntryOutcome[] = [];
  return changeObject(
    'setRecipients',
    'recipients.change',
    subject,
    providers,
    options,
    unlocked(async (current) => {
      const changed = await exactly(current, targets, options);
      outcomes = changed.outcomes;
      return changed.after;
    }),
    () => outcomes,
  );
}

async function exactly(
  current: CurrentRecipients,
  targets: readonly MasterKey[],
  options: UpdateOptions,
): Promise<{ readonly after: readonly Recipient[]; readonly outcomes: readonly EntryOutcome[] }> {
  const { recipients } = current.opened.slot;
  const after: Recipient[] = [];
  const outcomes: EntryOutcome[] = [];
  const kept = new Set<Recipient>();
  for (const target of targets) {
    const there = await entriesOfTarget(current, target, options);
    if (there.length > 0) {
      after.push(...there);
      for (const entry of there) kept.add(entry);
      outcomes.push(...there.map((entry) => outcome('kept', entry)));
      continue;
    }
    const fresh = await newEntries(current, target, options);
    after.push(...fresh.map(({ recipient }) => recipient));
    outcomes.push(...fresh.map(({ recipient, assurance }) => ({ ...outcome('added', recipient), assurance })));
  }
  const removed = recipients.filter((entry) => !kept.has(entry));
  return { after, outcomes: [...outcomes, ...removed.map((entry) => outcome('removed', entry))] };
}

/** The entries that a target has already, all of them proven; none where one is not. */
async function entriesOfTarget(
  { head, dataKey, opened }: CurrentRecipients,
  target: MasterKey,
  options: UpdateOptions,
): Promise<readonly Recipient[]> {
  const { recipients } = opened.slot;
  const isQuorum = target instanceof Quorum;
  const found = isQuorum
    ? (shareSets(recipients).find(({ uri, entries, custodians }) => uri === target.uri && entries.length === custodians)
        ?.entries ?? [])
    : recipients.filter((entry) => !isShare(entry) && entry.uri === target.uri);
  for (const entry of found) {
    const key = isQuorum ? target.custodians.find(({ uri }) => uri === entry.uri) : target;
    const provider = key !== undefined && fits(entry, key) ? key : undefined;
    const proof = await proveEntry({ head, dataKey, opened, recipients }, entry, provider, options);
    zero(proof?.share);
    if (proof === undefined) return [];
  }
  return found;
}

function outcome(action: EntryOutcome['action'], { uri, version }: Recipient): EntryOutcome {
  return { uri, action, from: version, to: version, toUri: uri };
}
