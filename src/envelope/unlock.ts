import { toHex } from '../bytes/index.ts';
import { authenticateHeader } from '../crypto/floe/header.ts';
import { createState, type FloeState, type Message } from '../crypto/floe/state.ts';
import { sha256 } from '../crypto/hash.ts';
import { zero } from '../crypto/secrets.ts';
import { WaxsealError } from '../errors/index.ts';
import { type EventFacts, type Observe, observed } from '../keys/observer.ts';
import type { KeyProvider, UnwrappedSecret } from '../keys/provider.ts';
import { type Head, objectAad } from './format/head.ts';
import { MAX_UNWRAPS_PER_KEY } from './format/limits.ts';
import { checkTag, entryTagKey, type Recipient, type TagState } from './format/recipients.ts';

export interface UnlockOptions {
  readonly name: string;
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Public-key wraps prove nothing about who sealed: refuse them. */
  readonly requireSymmetricWrap?: boolean | undefined;
}

/** The data key, and which entry gave it. The receiver zeroes `dataKey`. */
export interface Unlocked {
  readonly dataKey: Uint8Array<ArrayBuffer>;
  readonly recipient: Recipient;
  /** As the provider reported it for this unwrap. */
  readonly version: string;
  readonly provider: KeyProvider;
  /** The FLOE message whose header tag the data key has been found to make. */
  readonly message: Message;
}

/** Facts about the object for events. */
export function objectFacts(head: Head): EventFacts {
  return { objectId: toHex(head.core.id), bind: toHex(head.bind), context: head.core.context };
}

/** Unwraps one entry with one key, watched. The wrap is authentic only once the FLOE header tag has been checked. */
export async function unwrapRecipient(
  recipient: Recipient,
  provider: KeyProvider,
  head: Head,
  { observe, signal }: Pick<UnlockOptions, 'observe' | 'signal'>,
): Promise<UnwrappedSecret> {
  const facts = (): EventFacts => ({
    ...objectFacts(head),
    keyUri: provider.uri,
    keyVersion: recipient.version,
    algorithm: recipient.algorithm,
    wrapDigest: toHex(sha256(recipient.wrap)),
  });
  return observed(
    observe,
    'unwrap',
    facts,
    async () => {
      const { uri, version, algorithm, wrap } = recipient;
      const unwrapped = await provider.unwrap({ uri, version, algorithm, wrap }, head.bind, { signal });
      if (unwrapped.secret.length !== 32) {
        zero(unwrapped.secret);
        // A foreign wrap of another length is a wrong wrap like any other.
        throw authenticationFailed(head, provider.uri);
      }
      return unwrapped;
    },
    ({ version }) => ({ keyVersion: version }),
  );
}

/** The message, if `dataKey` is the key of this object: the FLOE header tag commits to key, core and meta. */
function messageOf(head: Head, dataKey: Uint8Array): Message | undefined {
  const { segmentLength } = head.core;
  return authenticateHeader(dataKey, objectAad(head.bind, head.meta), head.floeHeader, { segmentLength });
}

/** Starts reading the payload. */
export function startPayload({ message, dataKey }: Unlocked): FloeState {
  return createState('decrypt', message, dataKey);
}

/** Whether the entry that gave the data key was written by somebody who held it. */
export function tagOf({ recipient, dataKey }: Unlocked, head: Head): TagState {
  const tagKey = entryTagKey(dataKey, head.bind);
  const tag = checkTag(recipient, tagKey);
  zero(tagKey);
  return tag;
}

/** Whether this key may try this entry at all. Only the caller's keys are ever candidates. */
export function fits(recipient: Recipient, provider: KeyProvider): boolean {
  if (!recipient.supported || provider.canUnwrap === false) return false;
  if (provider.uri !== recipient.uri && provider.accepts?.(recipient.uri) !== true) return false;
  return provider.algorithms.includes(recipient.algorithm);
}

/**
 * Finds the data key: the caller's keys in their order, each at most four times (SPEC section "Opening").
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
  const failures: unknown[] = [];
  let skippedPublicKey = false;
  for (const provider of keys) {
    let attempts = 0;
    for (const recipient of recipients) {
      if (!fits(recipient, provider)) continue;
      if (options.requireSymmetricWrap === true && !provider.symmetric) {
        skippedPublicKey = true;
        continue;
      }
      if (++attempts > MAX_UNWRAPS_PER_KEY) break;
      options.signal?.throwIfAborted();
      try {
        return await tryRecipient(head, recipient, provider, options);
      } catch (error) {
        if (!(error instanceof WaxsealError) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER')
          throw error;
        failures.push(error);
      }
    }
  }
  const refusal = failures.find((error) => !(error instanceof WaxsealError && error.code === 'ERR_AUTHENTICATION'));
  if (failures.length > 0) throw refusal ?? failures[0];
  if (skippedPublicKey) {
    throw new WaxsealError(
      'ERR_UNEXPECTED_OBJECT',
      `${options.name} can only be opened through a public-key wrap, which proves nothing about who sealed it`,
      { object: options.name, next: 'open it without requireSymmetricWrap only if a signature vouches for it' },
    );
  }
  throw noMatchingKey(recipients, keys, options.name);
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
  return { dataKey: secret, recipient, version, provider, message };
}

function authenticationFailed(head: Head, name: string): WaxsealError {
  return new WaxsealError(
    'ERR_AUTHENTICATION',
    `${name} (object ${toHex(head.core.id)}) does not authenticate: wrong key, or it was changed`,
    { object: name },
  );
}

function noMatchingKey(recipients: readonly Recipient[], keys: readonly KeyProvider[], name: string): WaxsealError {
  const needs = [...new Set(recipients.map((entry) => entry.uri))].join(', ');
  const has = keys.map((key) => key.uri).join(', ');
  return new WaxsealError('ERR_NO_MATCHING_KEY', `${name} is sealed to ${needs}; the keys at hand are ${has}`, {
    object: name,
  });
}
