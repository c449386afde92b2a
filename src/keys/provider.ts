/**
 * The port between the envelope and whatever holds master keys. An adapter implements it for one key; it knows
 * nothing of objects, files or formats.
 */

/** Key states of NIST SP 800-57 Part 1 Rev. 5, section 7. */
export type KeyState = 'pre-activation' | 'active' | 'suspended' | 'deactivated' | 'compromised' | 'destroyed';

export const KEY_STATES: readonly KeyState[] = [
  'pre-activation',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroyed',
];

/** How a secret was wrapped: the registry of SPEC section "Wrap algorithms". */
export const WRAP_ALGORITHM = Object.freeze({
  local: 1,
  hpkeX25519: 2,
  awsKms: 3,
  transit: 4,
  pkcs11AesGcm: 5,
  pkcs11AesKwp: 6,
  rsaOaepSha256: 7,
  gcpKms: 8,
  azureAes: 9,
});

/** A wrapped secret, as a recipient entry records it. */
export interface WrappedSecret {
  /** Resolved key URI, without a version (an ARN, never an alias). */
  readonly uri: string;
  /** Opaque; only the provider orders versions. */
  readonly version: string;
  /** A number of {@link WRAP_ALGORITHM}. */
  readonly algorithm: number;
  /** The provider's own bytes, at most 2 KiB. */
  readonly wrap: Uint8Array;
}

/** What `unwrap` gives. */
export interface UnwrappedSecret {
  /**
   * The secret, in memory of its own (not a view of a larger or pooled buffer). The caller owns it and zeroes it.
   */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The version that really unwrapped it, as the provider reports it. Only this one is ever recorded. */
  readonly version: string;
}

export interface KeyVersion {
  readonly version: string;
  /** As people name it, for instance `2`. */
  readonly label: string;
  readonly state: KeyState;
  readonly created?: Date | undefined;
}

/** What `describe` gives: facts for people and schedulers, never an input to a cryptographic decision. */
export interface KeyDescription {
  readonly uri: string;
  /** The version that a new wrap would be made under now; absent when no version may wrap. */
  readonly currentVersion: string | undefined;
  readonly versions: readonly KeyVersion[];
  readonly region?: string | undefined;
  readonly protectionLevel: 'software' | 'hsm' | 'external';
  readonly lastRotated?: Date | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A master key that wraps and unwraps secrets of 16 to 64 bytes (data keys, branch keys, shares).
 *
 * Contract, checked by `providerConformance` of `waxseal/testing`:
 * - `binding` (32 bytes) is authenticated: unwrapping under another binding fails with `ERR_AUTHENTICATION`. Where the
 *   mechanism has no associated data, `bindsContext` is false and the envelope's header tag does that work.
 * - A wrong key, a changed wrap and a wrong binding look the same: `ERR_AUTHENTICATION`.
 * - A version that does not exist is `ERR_KEY_NOT_FOUND`, one whose state forbids the use is `ERR_KEY_DISABLED`.
 * - Neither `secret` nor `binding` is kept, changed or zeroed by the provider.
 */
export interface KeyProvider {
  /** Resolved key URI without a version. */
  readonly uri: string;
  /** The algorithms whose wraps this key may be able to unwrap. */
  readonly algorithms: readonly number[];
  /** Whether the mechanism authenticates `binding` itself. */
  readonly bindsContext: boolean;
  /** Whether a wrap can only be made by somebody who holds a secret (false for public-key wraps). */
  readonly symmetric: boolean;

  wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret>;
  unwrap(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret>;

  /** A fresh secret of 32 bytes with its wrap, where the provider makes both in one call. */
  generateDataKey?(binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret & { wrapped: WrappedSecret }>;
  /** Wraps again under the current version inside the provider; the secret never leaves it. */
  rewrap?(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret>;
  describe?(options?: CallOptions): Promise<KeyDescription>;
  /** Makes a new version current and returns the description after it. */
  rotate?(options?: CallOptions): Promise<KeyDescription>;
  /** Suspends a version: neither wraps nor unwraps until it is enabled again. */
  disableVersion?(version: string, options?: CallOptions): Promise<void>;
}
