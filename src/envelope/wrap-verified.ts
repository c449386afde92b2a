import { toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/hash.ts';
import { equalSecrets, zero } from '../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import { MAX_URI_BYTES } from '../keys/uri.ts';
import { type EventFacts, type Observe, observed } from '../keys/observer.ts';
import type { KeyProvider, UnwrappedSecret, WrappedSecret } from '../keys/provider.ts';
import { MAX_VERSION_BYTES, MAX_WRAP } from './format/limits.ts';

interface WrapOptions {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * How a wrap was proven (SPEC section "Rewrap"): `compared`, it was unwrapped and gave the data key; `recomputed`, the
 * sender of a public-key wrap opened its bytes with the ephemeral secret it still held.
 */
export type Assurance = 'compared' | 'recomputed';

/** A wrap that gives the data key back, and how that is known. */
export interface VerifiedWrap {
  readonly wrapped: WrappedSecret;
  readonly assurance: Assurance;
}

/**
 * Wraps a data key and proves the wrap before anybody relies on it: it is opened again and compared in constant time.
 * The version recorded is the one that the provider reported for that opening: a rotation between two calls cannot leave
 * a wrong one.
 *
 * @throws WaxsealError `ERR_UNVERIFIED_WRAP`, also for a key that can neither unwrap nor recompute;
 * `ERR_PROVIDER_RESPONSE`, and whatever the provider refuses with
 */
export async function wrapVerified(
  provider: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  facts: () => EventFacts,
  options: WrapOptions,
): Promise<VerifiedWrap> {
  return observed(
    options.observe,
    'wrap',
    () => ({ ...facts(), keyUri: provider.uri }),
    () => (provider.canUnwrap === false ? recompute : compare)(provider, dataKey, bind, options),
    ({ wrapped, assurance }) => ({
      keyVersion: wrapped.version,
      algorithm: wrapped.algorithm,
      wrapDigest: toHex(sha256(wrapped.wrap)),
      assurance,
    }),
  );
}

/** @param version as the provider reported it for the opening that proved the wrap */
function proven({ uri, algorithm, wrap }: WrappedSecret, version: string, assurance: Assurance): VerifiedWrap {
  // Copied: the provider may reuse its buffer.
  return { wrapped: { uri, version, algorithm, wrap: new Uint8Array(wrap) }, assurance };
}

async function compare(
  provider: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  { signal }: WrapOptions,
): Promise<VerifiedWrap> {
  const wrapped = await provider.wrap(dataKey, bind, { signal });
  assertWrapped(wrapped, provider);
  let unwrapped;
  try {
    unwrapped = await provider.unwrap(wrapped, bind, { signal });
  } catch (cause) {
    // Only "this is not a wrap of mine" says something about the wrap; a refusal or an outage is told as it is.
    if (!isWaxsealError(cause, 'ERR_AUTHENTICATION')) throw cause;
    throw unverified(provider, cause);
  }
  return proven(wrapped, assertSame(provider, unwrapped, dataKey), 'compared');
}

async function recompute(
  provider: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  { signal }: WrapOptions,
): Promise<VerifiedWrap> {
  if (provider.wrapRecomputed === undefined) {
    throw new WaxsealError(
      'ERR_UNVERIFIED_WRAP',
      `${provider.uri} can neither unwrap nor recompute what it wrapped, so that nothing proves its wraps`,
      { object: provider.uri, next: 'use a key that can, or the pair with its private half' },
    );
  }
  const { wrapped, recomputed } = await provider.wrapRecomputed(dataKey, bind, { signal });
  const version = assertSame(provider, recomputed, dataKey);
  assertWrapped(wrapped, provider);
  return proven(wrapped, version, 'recomputed');
}

/** Zeroes the opened secret, compares it with the data key, and gives the version that was reported with it. */
function assertSame(provider: KeyProvider, opened: UnwrappedSecret, dataKey: Uint8Array): string {
  const same = equalSecrets(opened.secret, dataKey);
  zero(opened.secret);
  if (!same) throw unverified(provider);
  if (Buffer.byteLength(opened.version) > MAX_VERSION_BYTES) throw badResponse(provider, 'the version is too long');
  return opened.version;
}

function assertWrapped(wrapped: WrappedSecret, provider: KeyProvider): void {
  if (wrapped.uri !== provider.uri || Buffer.byteLength(wrapped.uri) > MAX_URI_BYTES) {
    throw badResponse(provider, `the wrap names the key ${wrapped.uri}`);
  }
  if (!provider.algorithms.includes(wrapped.algorithm)) throw badResponse(provider, 'the wrap names another algorithm');
  if (wrapped.wrap.length > MAX_WRAP) throw badResponse(provider, 'the wrap is over 2 KiB');
}

function unverified(provider: KeyProvider, cause?: unknown): WaxsealError {
  return new WaxsealError(
    'ERR_UNVERIFIED_WRAP',
    `a wrap that ${provider.uri} had just made did not give the same data key back; nothing was written`,
    { object: provider.uri, cause },
  );
}

function badResponse(provider: KeyProvider, why: string): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `${provider.uri} broke its contract: ${why}`, {
    object: provider.uri,
  });
}
