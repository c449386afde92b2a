import { equalBytes, toHex } from '../bytes/index.ts';
import { authenticateHeader } from '../crypto/floe/header.ts';
import type { Message } from '../crypto/floe/state.ts';
import { sha256 } from '../crypto/hash.ts';
import { zero } from '../crypto/secrets.ts';
import { WaxsealError } from '../errors/index.ts';
import { type EventFacts, type Observe, observed } from '../keys/observer.ts';
import type { KeyProvider, UnwrappedSecret } from '../keys/provider.ts';
import { type Head, objectAad } from './format/head.ts';
import { bindingOf, type Recipient, wrappedOf } from './format/recipients.ts';
import { SHARE_LENGTH, shareDigest } from './format/share.ts';

const DATA_KEY_LENGTH = 32;

export interface UnlockOptions {
  readonly name: string;
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Public-key wraps prove nothing about who sealed: refuse them. */
  readonly requireSymmetricWrap?: boolean | undefined;
}

/** An entry that was unwrapped. */
export interface UsedEntry {
  readonly recipient: Recipient;
  readonly provider: KeyProvider;
  /** As the provider reported it for this unwrap. */
  readonly version: string;
}

/** The data key, and what gave it. The receiver zeroes `dataKey`. */
export interface Unlocked {
  readonly dataKey: Uint8Array<ArrayBuffer>;
  /** The entry that gave it, or the shares that did. */
  readonly used: readonly UsedEntry[];
  /** Of the entry; of a quorum, its own. */
  readonly uri: string;
  /** As the provider reported it for this unwrap; of a quorum, one after the other. */
  readonly version: string;
  /** Why keys that came before did not open the object: refusals and outages. */
  readonly failures: readonly WaxsealError[];
  /** The FLOE message whose header tag the data key has been found to make. */
  readonly message: Message;
}

/** Facts about the object for events. */
export function objectFacts(head: Head): EventFacts {
  return { objectId: toHex(head.core.id), bind: toHex(head.bind), context: head.core.context };
}

/**
 * Unwraps one entry with one key, watched: the data key, or the share that the entry says it is. Either is authentic only
 * once the FLOE header tag has been checked.
 */
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
    algorithm: recipient.share?.algorithm ?? recipient.algorithm,
    wrapDigest: toHex(sha256(recipient.wrap)),
  });
  return observed(
    observe,
    'unwrap',
    facts,
    async () => {
      const binding = bindingOf(recipient, head.bind);
      const unwrapped = await provider.unwrap(wrappedOf(recipient), binding, { signal });
      if (!isFor(recipient, unwrapped.secret)) {
        zero(unwrapped.secret);
        // A foreign wrap of another length is a wrong wrap like any other.
        throw authenticationFailed(head, provider.uri);
      }
      return unwrapped;
    },
    ({ version }) => ({ keyVersion: version }),
  );
}

/** Whether a secret can be what the entry says: a data key, or the share whose digest it names. */
function isFor({ share }: Recipient, secret: Uint8Array): boolean {
  if (share === undefined) return secret.length === DATA_KEY_LENGTH;
  const digest = share.digests[share.index - 1];
  if (secret.length !== SHARE_LENGTH || digest === undefined) return false;
  return equalBytes(shareDigest(share, share.index, secret), digest);
}

/** The message, if `dataKey` is the key of this object: the FLOE header tag commits to key, core and meta. */
export function messageOf(head: Head, dataKey: Uint8Array): Message | undefined {
  const { segmentLength } = head.core;
  return authenticateHeader(dataKey, objectAad(head.bind, head.meta), head.floeHeader, { segmentLength });
}

/** Whether this key may try this entry at all. Only the caller's keys are ever candidates. */
export function fits(recipient: Recipient, provider: KeyProvider): boolean {
  if (!recipient.supported || provider.canUnwrap === false) return false;
  if (provider.uri !== recipient.uri && provider.accepts?.(recipient.uri) !== true) return false;
  return provider.algorithms.includes(recipient.share?.algorithm ?? recipient.algorithm);
}

/** Whether an error is about more than one entry: an observer's veto, an abort, or a bug. */
export function endsWork(error: unknown): boolean {
  return !(error instanceof WaxsealError) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER';
}

export function authenticationFailed(head: Head, name: string): WaxsealError {
  return new WaxsealError(
    'ERR_AUTHENTICATION',
    `${name} (object ${toHex(head.core.id)}) does not authenticate: wrong key, or it was changed`,
    { object: name },
  );
}
