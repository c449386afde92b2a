import { allocateSecret, zero } from '../../crypto/secrets.ts';
import { X25519_LENGTH, x25519PublicKey } from '../../crypto/hpke/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import {
  type CallOptions,
  type KeyDescription,
  type KeyProvider,
  type UnwrappedSecret,
  WRAP_ALGORITHM,
  type WrappedSecret,
} from '../provider.ts';
import { assertBinding } from '../wrap-input.ts';
import { unwrapWith, wrapTo, X25519_VERSION } from './hpke-wrap.ts';
import { x25519Uri } from './public-key.ts';
import { describePair, promised, wrapped } from './recipient.ts';

/** Where a private key is kept between two uses. */
export interface PrivateKeySource {
  /** When the pair was made, if that is known. */
  created(): Promise<Date | undefined>;
  /** Called before the pair wraps: what a power cut could still take away must not wrap anything. */
  ready(): Promise<void>;
  /** Lends the 32 bytes of the private key to `work`, which is synchronous and keeps nothing. */
  use<T>(work: (privateKey: Uint8Array) => T): Promise<T>;
}

/**
 * A key pair of X25519: wraps to its public key and unwraps with its private key (SPEC section "Wrap algorithms",
 * number 2). Get one from a local keyring, or from {@link x25519KeyPair}.
 */
export class X25519Key implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = Object.freeze([WRAP_ALGORITHM.hpkeX25519]);
  readonly bindsContext = true;
  readonly symmetric = false;
  readonly #publicKey: Uint8Array;
  readonly #source: PrivateKeySource;

  /** @internal */
  constructor(publicKey: Uint8Array, source: PrivateKeySource) {
    this.uri = x25519Uri(publicKey);
    this.#publicKey = publicKey;
    this.#source = source;
  }

  async wrap(secret: Uint8Array, binding: Uint8Array, { signal }: CallOptions = {}): Promise<WrappedSecret> {
    assertBinding(binding);
    signal?.throwIfAborted();
    await this.#source.ready();
    signal?.throwIfAborted();
    return wrapped(this.uri, wrapTo(this.#publicKey, secret, binding));
  }

  async unwrap(given: WrappedSecret, binding: Uint8Array, { signal }: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    this.#assertMine(given);
    signal?.throwIfAborted();
    const secret = await this.#source.use((privateKey) => unwrapWith(privateKey, given.wrap, binding));
    if (secret === undefined) {
      const what = `a wrap does not authenticate under ${this.uri}: it was changed, or made for another object`;
      throw new WaxsealError('ERR_AUTHENTICATION', what, { object: this.uri });
    }
    return { secret, version: X25519_VERSION };
  }

  async describe({ signal }: CallOptions = {}): Promise<KeyDescription> {
    signal?.throwIfAborted();
    return describePair(this.uri, 'software', await this.#source.created());
  }

  #assertMine({ uri, algorithm, version }: WrappedSecret): void {
    const about = { object: this.uri };
    if (uri !== this.uri) {
      throw new WaxsealError('ERR_NO_MATCHING_KEY', `a wrap under ${uri} was given to ${this.uri}`, about);
    }
    if (algorithm !== WRAP_ALGORITHM.hpkeX25519) {
      const what = `${this.uri} cannot unwrap algorithm ${String(algorithm)}`;
      throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', what, about);
    }
    if (version !== X25519_VERSION) {
      throw new WaxsealError('ERR_KEY_NOT_FOUND', `${this.uri} has no version ${version.slice(0, 64)}`, about);
    }
  }
}

/** A key pair in memory. {@link close} zeroes its private key; after that, every use throws `TypeError`. */
export class X25519KeyPair extends X25519Key {
  readonly #held: HeldPrivateKey;

  /** @internal */
  constructor(held: HeldPrivateKey) {
    super(held.publicKey, held);
    this.#held = held;
  }

  /** Zeroes the private key. */
  close(): void {
    this.#held.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

class HeldPrivateKey implements PrivateKeySource {
  readonly publicKey: Uint8Array;
  readonly #privateKey = allocateSecret(X25519_LENGTH);
  #closed = false;

  constructor(privateKey: Uint8Array) {
    this.publicKey = x25519PublicKey(privateKey);
    this.#privateKey.set(privateKey);
  }

  created(): Promise<undefined> {
    return this.use(() => undefined);
  }

  ready(): Promise<undefined> {
    return this.use(() => undefined);
  }

  use<T>(work: (privateKey: Uint8Array) => T): Promise<T> {
    return promised(() => {
      if (this.#closed) throw new TypeError('the key pair was closed');
      return work(this.#privateKey);
    });
  }

  close(): void {
    this.#closed = true;
    zero(this.#privateKey);
  }
}

/**
 * A key pair from its private key, for programs that keep private keys themselves; a local keyring keeps them for you.
 *
 * @param privateKey 32 bytes; copied, so that the caller may zero them at once
 * @throws RangeError for another length
 *
 * @example
 * using key = x25519KeyPair(privateKey);
 * const plaintext = await open(sealed, key);
 */
export function x25519KeyPair(privateKey: Uint8Array): X25519KeyPair {
  if (!(privateKey instanceof Uint8Array)) throw new TypeError('an X25519 private key is a Uint8Array of 32 bytes');
  return new X25519KeyPair(new HeldPrivateKey(privateKey));
}
