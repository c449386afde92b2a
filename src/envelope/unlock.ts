import { createState, type FloeState } from '../crypto/floe/state.ts';
import { zero } from '../crypto/secrets.ts';
import { WaxsealError } from '../errors/index.ts';
import { warn } from '../keys/observer.ts';
import type { KeyProvider } from '../keys/provider.ts';
import type { Head } from './format/head.ts';
import { MAX_UNWRAPS_PER_KEY } from './format/limits.ts';
import { checkTag, entryTagKey, type Recipient, type TagState } from './format/recipients.ts';
import {
  authenticationFailed,
  endsWork,
  fits,
  messageOf,
  objectFacts,
  type Unlocked,
  type UnlockOptions,
  unwrapRecipient,
} from './unwrap-entry.ts';

/** Starts reading the payload. */
export function startPayload({ message, dataKey }: Unlocked): FloeState {
  return createState('decrypt', message, dataKey);
}

/** Whether what gave the data key was written by somebody who held it: of several shares, the worst that is found. */
export function tagOf({ used, dataKey }: Unlocked, head: Head): TagState {
  const tagKey = entryTagKey(dataKey, head.bind);
  const tags = used.map(({ recipient }) => checkTag(recipient, tagKey));
  zero(tagKey);
  return (['invalid', 'missing'] as const).find((state) => tags.includes(state)) ?? 'valid';
}

/**
 * Finds the data key: the caller's keys in their order, each at most four times, then the quorums of which they are
 * custodians (SPEC section "Opening"). Keys that failed before another one opened the object are told.
 *
 * @throws WaxsealError `ERR_NO_MATCHING_KEY` when no entry is for these keys; else what went wrong, a refusal of the
 * provider before a failed authentication
 */
export async function unlock(
  head: Head,
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  options: UnlockOptions,
): Promise<Unlocked> {
  const failures: WaxsealError[] = [];
  const opened =
    (await unlockDirectly(head, recipients, keys, options, failures)) ??
    (await unlockThroughQuorum(head, recipients, keys, options, failures));
  if (opened === undefined) throw await failureOf(failures, recipients, keys, options);
  const told = [...opened.failures, ...passedOver(recipients, keys, opened.failures)];
  for (const { code, message } of told) {
    await warn(options.observe, `${options.name} was opened through ${opened.uri}, because ${message} [${code}]`, {
      ...objectFacts(head),
      code,
    });
  }
  return { ...opened, failures: told };
}

/** Why keys of recipients, which come later now, do not come first. */
function passedOver(
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  known: readonly WaxsealError[],
): readonly WaxsealError[] {
  const troubles = keys.flatMap((key) =>
    key.trouble !== undefined && recipients.some((entry) => fits(entry, key)) ? [key.trouble] : [],
  );
  return [...new Set(troubles)].filter((trouble) => !known.includes(trouble));
}

async function unlockDirectly(
  head: Head,
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  options: UnlockOptions,
  failures: WaxsealError[],
): Promise<Unlocked | undefined> {
  for (const provider of keys) {
    let attempts = 0;
    for (const recipient of recipients) {
      if (recipient.share !== undefined || !fits(recipient, provider)) continue;
      if (options.requireSymmetricWrap === true && !provider.symmetric) continue;
      if (++attempts > MAX_UNWRAPS_PER_KEY) break;
      options.signal?.throwIfAborted();
      try {
        const opened = await tryRecipient(head, recipient, provider, options);
        return { ...opened, failures: failures.filter(isRefusal) };
      } catch (error) {
        if (endsWork(error)) throw error;
        failures.push(error as WaxsealError);
      }
    }
  }
  return undefined;
}

async function unlockThroughQuorum(
  head: Head,
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  options: UnlockOptions,
  failures: WaxsealError[],
): Promise<Unlocked | undefined> {
  if (!recipients.some(({ share }) => share !== undefined)) return undefined;
  const { unlockQuorums } = await import('./quorum/unlock-quorum.ts');
  try {
    const opened = await unlockQuorums(head, recipients, keys, options);
    return opened && { ...opened, failures: [...failures, ...opened.failures].filter(isRefusal) };
  } catch (error) {
    if (endsWork(error)) throw error;
    failures.push(error as WaxsealError);
    return undefined;
  }
}

/** A key or its provider said no; that a wrap is not its own says nothing about the key. */
const isRefusal = ({ code }: WaxsealError): boolean => code !== 'ERR_AUTHENTICATION';

async function failureOf(
  failures: readonly WaxsealError[],
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  { name, requireSymmetricWrap }: UnlockOptions,
): Promise<WaxsealError> {
  const failure = failures.find(isRefusal) ?? failures[0];
  if (failure !== undefined) return failure;
  const isPublic = (entry: Recipient): boolean => keys.some((key) => !key.symmetric && fits(entry, key));
  if (requireSymmetricWrap !== true || !recipients.some(isPublic)) return noMatchingKey(recipients, keys, name);
  return new WaxsealError(
    'ERR_UNEXPECTED_OBJECT',
    `${name} can only be opened through a public-key wrap, which proves nothing about who sealed it`,
    { object: name, next: 'open it without requireSymmetricWrap only if a signature vouches for it' },
  );
}

async function tryRecipient(
  head: Head,
  recipient: Recipient,
  provider: KeyProvider,
  options: UnlockOptions,
): Promise<Unlocked> {
  const { secret, version } = await unwrapRecipient(recipient, provider, head, options);
  const message = messageOf(head, secret);
  if (message === undefined) {
    zero(secret);
    throw authenticationFailed(head, options.name);
  }
  const { uri } = recipient;
  return { dataKey: secret, used: [{ recipient, provider, version }], uri, version, failures: [], message };
}

async function noMatchingKey(
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  name: string,
): Promise<WaxsealError> {
  const single = recipients.filter(({ share }) => share === undefined);
  const sets = single.length === recipients.length ? [] : (await import('./quorum/sets.ts')).shareSets(recipients);
  const needs = [...new Set([...single, ...sets].map(({ uri }) => uri))].join(', ');
  const has = keys.map((key) => key.uri).join(', ');
  return new WaxsealError('ERR_NO_MATCHING_KEY', `${name} is sealed to ${needs}; the keys at hand are ${has}`, {
    object: name,
  });
}
