import { toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/hash.ts';
import { equalSecrets, zero } from '../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import { MAX_URI_BYTES } from '../keys/uri.ts';
import { type EventFacts, type Observe, observed } from '../keys/observer.ts';
import type { KeyProvider, WrappedSecret } from '../keys/provider.ts';
import { MAX_VERSION_BYTES, MAX_WRAP } from './format/limits.ts';

interface WrapOptions {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Wraps a data key and proves the wrap before anybody relies on it: it is unwrapped again and compared in constant time
 * (assurance `compared`, SPEC section "Rewrap"). The version recorded is the one that the provider reported for that
 * unwrap: a rotation between two calls cannot leave a wrong one.
 *
 * @throws WaxsealError `ERR_UNVERIFIED_WRAP`, `ERR_PROVIDER_RESPONSE`, and whatever the provider refuses with
 */
export async function wrapVerified(
  provider: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  facts: EventFacts,
  options: WrapOptions,
): Promise<WrappedSecret> {
  const { observe, signal } = options;
  return observed(
    observe,
    'wrap',
    { ...facts, keyUri: provider.uri },
    async () => {
      const wrapped = await provider.wrap(dataKey, bind, { signal });
      assertWrapped(wrapped, provider);
      const version = await verifyingUnwrap(provider, wrapped, dataKey, bind, options);
      // Copied: the provider may reuse its buffer.
      const { uri, algorithm } = wrapped;
      return { uri, version, algorithm, wrap: wrapped.wrap.slice() };
    },
    (wrapped) => ({
      keyVersion: wrapped.version,
      algorithm: wrapped.algorithm,
      wrapDigest: toHex(sha256(wrapped.wrap)),
      assurance: 'compared',
    }),
  );
}

async function verifyingUnwrap(
  provider: KeyProvider,
  wrapped: WrappedSecret,
  dataKey: Uint8Array,
  bind: Uint8Array,
  { signal }: WrapOptions,
): Promise<string> {
  let unwrapped;
  try {
    unwrapped = await provider.unwrap(wrapped, bind, { signal });
  } catch (cause) {
    // Only "this is not a wrap of mine" says something about the wrap; a refusal or an outage is told as it is.
    if (!isWaxsealError(cause, 'ERR_AUTHENTICATION')) throw cause;
    throw unverified(provider, cause);
  }
  const same = equalSecrets(unwrapped.secret, dataKey);
  zero(unwrapped.secret);
  if (!same) throw unverified(provider);
  if (Buffer.byteLength(unwrapped.version) > MAX_VERSION_BYTES) throw badResponse(provider, 'the version is too long');
  return unwrapped.version;
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
