/**
 * The port between the envelope and whatever holds master keys. An adapter implements it for one key; it knows
 * nothing of objects, files or formats.
 */
import type { WaxsealError } from '../errors/index.ts';

/** Key states of NIST SP 800-57 Part 1 Rev. 5, section 7. */
export type KeyState = 'pre-activation' | 'active' | 'suspended' | 'deactivated' | 'compromised' | 'destroyed';

/** All of {@link KeyState}. */
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
  /** `local:`: XSalsa20-Poly1305 under a key derived from the version of the key. */
  local: 1,
  /** `x25519:`: HPKE base mode (RFC 9180). */
  hpkeX25519: 2,
  /** `awskms:`: Encrypt and Decrypt with an encryption context. */
  awsKms: 3,
  /** `hashivault:`: the transit engine of Vault and OpenBao. */
  transit: 4,
  /** `pkcs11:`: AES-GCM inside the token. */
  pkcs11AesGcm: 5,
  /** `pkcs11:`: AES key wrap with padding (RFC 5649). */
  pkcs11AesKwp: 6,
  /** RSA-OAEP with SHA-256 (RFC 8017). */
  rsaOaepSha256: 7,
  /** `gcpkms:`: Encrypt and Decrypt with additional authenticated data. */
  gcpKms: 8,
  /** `azurekms:`: a symmetric key of Azure Key Vault or Managed HSM. */
  azureAes: 9,
  /** RSA-OAEP with SHA-1, for tokens that know no other; only where it was asked for. */
  rsaOaepSha1: 10,
});

/** A wrapped secret, as a recipient entry records it. */
export interface WrappedSecret {
  /** Resolved key URI, without a version (an ARN, never an alias). */
  readonly uri: string;
  /**
   * Opaque; only the provider orders versions. Empty where the provider does not tell it when it wraps (AWS KMS): the
   * unwrap that proves the wrap tells it then, and an entry never records an empty one.
   */
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

/** What `wrapRecomputed` gives. */
export interface RecomputedWrap {
  /** The wrap, as `wrap` would have given it. */
  readonly wrapped: WrappedSecret;
  /** What the bytes of that wrap open to, computed from what the sender still holds. */
  readonly recomputed: UnwrappedSecret;
}

/** What `generateDataKey` gives. */
export interface GeneratedSecret extends UnwrappedSecret {
  /** The same secret, wrapped. */
  readonly wrapped: WrappedSecret;
}

/** What a rewrap inside the provider gives. */
export interface ProviderRewrap {
  /** The new wrap, under the current version. */
  readonly wrapped: WrappedSecret;
  /** The version that the old wrap was under, as the provider found it: not what the entry claims. */
  readonly from: string;
}

/** One version of a key. */
export interface KeyVersion {
  /** As the provider calls it; opaque, and what objects record. */
  readonly version: string;
  /** As people name it, for instance `2`. */
  readonly label: string;
  /** What the version may be used for. */
  readonly state: KeyState;
  /** When it was made. */
  readonly created?: Date | undefined;
}

/** What `describe` gives: facts for people and schedulers, never an input to a cryptographic decision. */
export interface KeyDescription {
  /** Key URI, without a version. */
  readonly uri: string;
  /** The version that a new wrap would be made under now; absent when no version may wrap. */
  readonly currentVersion: string | undefined;
  /** Every version that exists, the oldest first. */
  readonly versions: readonly KeyVersion[];
  /** Where the provider holds the key. */
  readonly region?: string | undefined;
  /** What guards the key material. */
  readonly protectionLevel: 'software' | 'hsm' | 'external';
  /** When it was last rotated; absent when it never was. */
  readonly lastRotated?: Date | undefined;
}

/** What `probe` gives: what an operator asks beyond the description. */
export interface KeyProbe {
  /** Whether `rotate` would be permitted; undefined where that cannot be told without rotating. */
  readonly mayRotate: boolean | undefined;
  /** Milliseconds that the provider's clock is ahead of this machine's; undefined where it does not tell. */
  readonly clockSkewMs: number | undefined;
}

/** Whose permissions a policy is for: every wrap is proven by unwrapping it, so a sealer may unwrap, too. */
export type PolicyRole = 'sealer' | 'opener' | 'blind-rewrapper' | 'rotator';

/** All of {@link PolicyRole}. */
export const POLICY_ROLES: readonly PolicyRole[] = ['sealer', 'opener', 'blind-rewrapper', 'rotator'];

/** Options of every call to a key. */
export interface CallOptions {
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A master key that wraps and unwraps secrets of 16 to 64 bytes (data keys, branch keys, shares).
 *
 * Contract, checked by `providerConformance` of `waxseal/testing`:
 * - `binding` (32 bytes) is authenticated: unwrapping under another binding fails with `ERR_AUTHENTICATION`. Where the
 *   mechanism has no associated data, `bindsContext` is false and the envelope's header tag does that work.
 * - A wrong key, a changed wrap and a wrong binding look the same: `ERR_AUTHENTICATION`.
 * - A key with `canUnwrap: false` refuses `unwrap` with `ERR_KEY_DENIED`, whatever it is given.
 * - A version that does not exist is `ERR_KEY_NOT_FOUND`, one whose state forbids the use is `ERR_KEY_DISABLED`.
 * - Neither `secret` nor `binding` is kept, changed or zeroed by the provider.
 */
export interface KeyProvider {
  /** Resolved key URI without a version. */
  readonly uri: string;
  /** The algorithms whose wraps this key may be able to unwrap. */
  readonly algorithms: readonly number[];
  /**
   * Whether another URI names a key that this one can unwrap for, such as a replica of the same key in another region;
   * absent where only `uri` does. The answer comes from what the caller configured, never from an object.
   */
  readonly accepts?: ((uri: string) => boolean) | undefined;
  /** Whether the mechanism authenticates `binding` itself. */
  readonly bindsContext: boolean;
  /** Whether a wrap can only be made by somebody who holds a secret (false for public-key wraps). */
  readonly symmetric: boolean;
  /**
   * Whether this key can unwrap at all; true when absent. False where only the public part is at hand: `unwrap` then
   * refuses with `ERR_KEY_DENIED`, and opening never tries the key.
   */
  readonly canUnwrap?: boolean | undefined;
  /** Why the key is passed over for now, where it is one of several of which others are tried first (`failover`). */
  readonly trouble?: WaxsealError | undefined;

  /**
   * Wraps a secret under the current version.
   *
   * @param secret 16 to 64 bytes; read only
   * @param binding 32 bytes that the wrap is tied to; read only
   */
  wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret>;
  /**
   * Unwraps a secret that this key wrapped, under any version that may still do so.
   *
   * @param binding the 32 bytes that it was wrapped with; read only
   */
  unwrap(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret>;

  /**
   * For a sender that cannot unwrap: makes the wrap, and opens the bytes of that very wrap again with the ephemeral
   * secret it still holds (SPEC section "Rewrap", assurance `recomputed`). A key with `canUnwrap: false` and without
   * this method cannot be sealed to, because nothing proves its wraps.
   */
  wrapRecomputed?(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<RecomputedWrap>;
  /** A fresh secret of 32 bytes with its wrap, where the provider makes both in one call. */
  generateDataKey?(binding: Uint8Array, options?: CallOptions): Promise<GeneratedSecret>;
  /** Wraps again under the current version inside the provider; the secret never leaves it. */
  rewrap?(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<ProviderRewrap>;
  /** Gives the versions of the key with their states. */
  describe?(options?: CallOptions): Promise<KeyDescription>;
  /** Makes a new version current and returns the description after it. */
  rotate?(options?: CallOptions): Promise<KeyDescription>;
  /** Looks at what the caller may do, and changes nothing. */
  probe?(options?: CallOptions): Promise<KeyProbe>;
  /** The least permissions for a role, in the provider's own language. */
  policy?(role: PolicyRole): string;
  /** Suspends a version: neither wraps nor unwraps until it is enabled again. */
  disableVersion?(version: string, options?: CallOptions): Promise<void>;
}
