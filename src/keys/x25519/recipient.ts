import { randomSecret, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { X25519_LENGTH } from '../../crypto/hpke/index.ts';
import {
  type CallOptions,
  type KeyDescription,
  type KeyProvider,
  type RecomputedWrap,
  type UnwrappedSecret,
  WRAP_ALGORITHM,
  type WrappedSecret,
} from '../provider.ts';
import { reopenWrap, wrapTo, X25519_VERSION } from './hpke-wrap.ts';
import { importPublicKey, x25519Uri } from './public-key.ts';

/**
 * A public key to seal to: HPKE (SPEC section "Wrap algorithms", number 2). Whoever holds the private key opens; this
 * machine cannot. A wrap to a public key says nothing about who made it.
 *
 * @param key `x25519:` URI, or the 32 bytes of the public key, which are copied
 * @throws WaxsealError `ERR_INVALID_KEY_URI` for anything that is no usable public key, small orders included
 *
 * @example
 * await sealFile('model.onnx', 'model.onnx.wax', x25519Recipient('x25519:…'));
 */
export function x25519Recipient(key: string | Uint8Array): KeyProvider {
  return new X25519Recipient(importPublicKey(key));
}

class X25519Recipient implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = Object.freeze([WRAP_ALGORITHM.hpkeX25519]);
  readonly bindsContext = true;
  readonly symmetric = false;
  readonly canUnwrap = false;
  readonly #publicKey: Uint8Array;

  constructor(publicKey: Uint8Array) {
    this.uri = x25519Uri(publicKey);
    this.#publicKey = publicKey;
  }

  wrap(secret: Uint8Array, binding: Uint8Array, { signal }: CallOptions = {}): Promise<WrappedSecret> {
    return promised(() => {
      signal?.throwIfAborted();
      return wrapped(this.uri, wrapTo(this.#publicKey, secret, binding));
    });
  }

  wrapRecomputed(secret: Uint8Array, binding: Uint8Array, { signal }: CallOptions = {}): Promise<RecomputedWrap> {
    return promised(() => {
      signal?.throwIfAborted();
      return this.#wrapRecomputed(secret, binding);
    });
  }

  unwrap(): Promise<UnwrappedSecret> {
    return Promise.reject(
      new WaxsealError('ERR_KEY_DENIED', `only the public half of ${this.uri} is at hand: it cannot open anything`, {
        object: this.uri,
        next: 'open it where the private key is',
      }),
    );
  }

  describe({ signal }: CallOptions = {}): Promise<KeyDescription> {
    return promised(() => {
      signal?.throwIfAborted();
      return describePair(this.uri, 'external', undefined);
    });
  }

  #wrapRecomputed(secret: Uint8Array, binding: Uint8Array): RecomputedWrap {
    const ephemeral = randomSecret(X25519_LENGTH);
    try {
      const wrap = wrapTo(this.#publicKey, secret, binding, ephemeral);
      const again = reopenWrap(this.#publicKey, ephemeral, wrap, binding);
      if (again === undefined) {
        const what = `a wrap to ${this.uri} did not open again; nothing was written`;
        throw new WaxsealError('ERR_UNVERIFIED_WRAP', what, { object: this.uri });
      }
      return { wrapped: wrapped(this.uri, wrap), recomputed: { secret: again, version: X25519_VERSION } };
    } finally {
      zero(ephemeral);
    }
  }
}

/** Work that does not wait, as a promise: what it throws rejects, like every refusal of the port. */
export function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}

/** A wrap of algorithm 2. */
export function wrapped(uri: string, wrap: Uint8Array): WrappedSecret {
  return { uri, version: X25519_VERSION, algorithm: WRAP_ALGORITHM.hpkeX25519, wrap };
}

/** A pair has one version, which is active as long as the pair exists. */
export function describePair(
  uri: string,
  protectionLevel: KeyDescription['protectionLevel'],
  created: Date | undefined,
): KeyDescription {
  const version = { version: X25519_VERSION, label: X25519_VERSION, state: 'active', created } as const;
  return { uri, currentVersion: X25519_VERSION, versions: [version], protectionLevel };
}
