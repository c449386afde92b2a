import { toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/hash.ts';
import { equalSecrets, zero } from '../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import { MAX_URI_BYTES } from '../keys/uri.ts';
import { type EventFacts, type Observe, observed } from '../keys/observer.ts';
import type { KeyProvider, UnwrappedSecret, WrappedSecret } from '../keys/provider.ts';
import { MAX_VERSION_BYTES, MAX_WRAP } from './format/limits.ts';

const DATA_KEY_LENGTH = 32;

export interface WrapOptions {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * How a wrap was proven (SPEC section "Rewrap"): `compared`, it was unwrapped and gave the data key; `recomputed`, the
 * sender of a public-key wrap opened its bytes with the ephemeral secret it still held; `validated`, its provider made it
 * unseen and could rewrap it once more.
 */
export type Assurance = 'compared' | 'recomputed' | 'validated';

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
    wrapFacts,
  );
}

/** A provider that makes data keys. */
export type DataKeyProvider = KeyProvider & Required<Pick<KeyProvider, 'generateDataKey'>>;

/** Whether the data key of a new object can come from this provider. */
export function makesDataKeys(provider: KeyProvider): provider is DataKeyProvider {
  return provider.generateDataKey !== undefined && provider.canUnwrap !== false;
}

/** A data key that a provider made, with its proven wrap. The receiver zeroes `dataKey`. */
export interface GeneratedWrap extends VerifiedWrap {
  readonly dataKey: Uint8Array<ArrayBuffer>;
}

/**
 * Has the provider make the data key and its wrap in one call, and proves the wrap as {@link wrapVerified} does: a
 * provider that hands out one key and wraps another is found out before anything is sealed.
 *
 * @throws WaxsealError as {@link wrapVerified}
 */
export async function generateVerified(
  provider: DataKeyProvider,
  bind: Uint8Array,
  facts: () => EventFacts,
  options: WrapOptions,
): Promise<GeneratedWrap> {
  return observed(
    options.observe,
    'wrap',
    () => ({ ...facts(), keyUri: provider.uri }),
    async () => {
      const { secret: dataKey, wrapped } = await provider.generateDataKey(bind, { signal: options.signal });
      try {
        if (dataKey.length !== DATA_KEY_LENGTH) throw badResponse(provider, 'the data key has not 32 bytes');
        return { dataKey, ...(await compareWrap(provider, wrapped, dataKey, bind, options)) };
      } catch (error) {
        zero(dataKey);
        throw error;
      }
    },
    wrapFacts,
  );
}

const wrapFacts = ({ wrapped, assurance }: VerifiedWrap): EventFacts => ({
  keyVersion: wrapped.version,
  algorithm: wrapped.algorithm,
  wrapDigest: toHex(sha256(wrapped.wrap)),
  assurance,
});

/** @param version as the provider reported it for the opening that proved the wrap */
function proven({ uri, algorithm, wrap }: WrappedSecret, version: string, assurance: Assurance): VerifiedWrap {
  // Copied: the provider may reuse its buffer.
  return { wrapped: { uri, version, algorithm, wrap: new Uint8Array(wrap) }, assurance };
}

async function compare(
  provider: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  options: WrapOptions,
): Promise<VerifiedWrap> {
  return compareWrap(provider, await provider.wrap(dataKey, bind, { signal: options.signal }), dataKey, bind, options);
}

/** Opens a wrap that was just made, and compares. */
async function compareWrap(
  provider: KeyProvider,
  wrapped: WrappedSecret,
  dataKey: Uint8Array,
  bind: Uint8Array,
  { signal }: WrapOptions,
): Promise<VerifiedWrap> {
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
  assertVersion(opened.version, provider);
  return opened.version;
}

/** @throws WaxsealError `ERR_PROVIDER_RESPONSE` for a version that cannot be recorded */
export function assertVersion(version: string, provider: KeyProvider): void {
  const length = Buffer.byteLength(version);
  if (length === 0) throw badResponse(provider, 'it does not tell the version');
  if (length > MAX_VERSION_BYTES) throw badResponse(provider, 'the version is too long');
}

/** @throws WaxsealError `ERR_PROVIDER_RESPONSE` for a wrap that is not the provider's, or that cannot be recorded */
export function assertWrapped(wrapped: WrappedSecret, provider: KeyProvider): void {
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
