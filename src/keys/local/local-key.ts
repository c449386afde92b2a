import { concat, equalBytes, fromBase64Url } from '../../bytes/index.ts';
import { expandLabel } from '../../crypto/hkdf.ts';
import { randomPublic, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import {
  type CallOptions,
  type KeyDescription,
  type KeyProvider,
  type KeyState,
  type UnwrappedSecret,
  WRAP_ALGORITHM,
  type WrappedSecret,
} from '../provider.ts';
import { newestOf } from './key-folder.ts';
import { KEY_ID_LENGTH } from './key-records.ts';
import type { KeyStore, VersionFacts } from './key-store.ts';
import { settled } from './settled.ts';
import { BOX_NONCE_LENGTH, BOX_OVERHEAD, openBox, sealBox } from './secret-box.ts';
import { mayUnwrap } from './states.ts';
import { assertBinding, assertWrapInput, isSecretLength } from '../wrap-input.ts';

const LABEL = 'waxseal/1 local';

/** What a key needs of its keyring beyond its own files. */
export interface KeyLifecycle {
  describe(name: string, options?: CallOptions): Promise<KeyDescription>;
  rotate(name: string, options?: CallOptions): Promise<KeyDescription>;
  setState(name: string, version: string, state: KeyState, options?: CallOptions): Promise<KeyDescription>;
}

/**
 * One key of a local keyring (SPEC section "Wrap algorithms", number 1):
 * `nonce(24) ‖ secretbox(secret, nonce, X(KEK, "waxseal/1 local", keyId ‖ binding, 32))`.
 *
 * Every wrap and unwrap looks at the folder of the key, or relies on a look less than a millisecond old, so that a
 * rotation or a change of state is noticed by every call that begins after it was reported as done.
 */
export class LocalKey implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = Object.freeze([WRAP_ALGORITHM.local]);
  readonly bindsContext = true;
  readonly symmetric = true;
  readonly #store: KeyStore;
  readonly #lifecycle: KeyLifecycle;
  #lastNamed: { readonly version: string; readonly named: NamedVersion } | undefined;

  constructor(store: KeyStore, lifecycle: KeyLifecycle) {
    this.uri = `local:${store.name}`;
    this.#store = store;
    this.#lifecycle = lifecycle;
  }

  async wrap(secret: Uint8Array, binding: Uint8Array, { signal }: CallOptions = {}): Promise<WrappedSecret> {
    assertWrapInput(secret, binding);
    signal?.throwIfAborted();
    const known = this.#store.known();
    if (known?.state === 'active' && this.#store.isDurable(known.n)) return this.#seal(secret, known, binding);
    return settled(this.#store, async (listing) => {
      const n = newestOf(listing);
      const facts = await this.#store.facts(n, listing);
      if (facts?.state !== 'active') throw this.#disabled(facts, 'wrap');
      await this.#store.load(n);
      await this.#store.makeDurable(n);
      signal?.throwIfAborted();
      return this.#seal(secret, facts, binding);
    });
  }

  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, { signal }: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    this.#assertMine(wrapped);
    signal?.throwIfAborted();
    const named = this.#named(wrapped.version);
    if (named === undefined) throw this.#noVersion(wrapped.version);
    const known = this.#store.known(named.n);
    if (known !== undefined) return this.#unwrapWith(known, named.keyId, wrapped, binding);
    return settled(this.#store, async (listing) => {
      const facts = await this.#store.facts(named.n, listing);
      if (facts !== undefined && mayUnwrap(facts.state)) await this.#store.load(facts.n);
      signal?.throwIfAborted();
      return this.#unwrapWith(facts, named.keyId, wrapped, binding);
    });
  }

  /** Unwraps with a version that is in memory, unless it is another one, or its state forbids that. */
  #unwrapWith(
    facts: VersionFacts | undefined,
    keyId: Uint8Array,
    { version, wrap }: WrappedSecret,
    binding: Uint8Array,
  ): UnwrappedSecret {
    if (facts === undefined || !equalBytes(facts.keyId, keyId)) throw this.#noVersion(version);
    if (!mayUnwrap(facts.state)) throw this.#disabled(facts, 'unwrap');
    const secret = this.#open(wrap, facts, binding);
    if (secret === undefined) throw this.#notAuthentic(facts);
    return { secret, version: facts.version };
  }

  describe(options?: CallOptions): Promise<KeyDescription> {
    return this.#lifecycle.describe(this.#store.name, options);
  }

  rotate(options?: CallOptions): Promise<KeyDescription> {
    return this.#lifecycle.rotate(this.#store.name, options);
  }

  async disableVersion(version: string, options?: CallOptions): Promise<void> {
    await this.#lifecycle.setState(this.#store.name, version, 'suspended', options);
  }

  /** Most of what is unwrapped one after the other names one version. */
  #named(version: string): NamedVersion | undefined {
    if (this.#lastNamed?.version !== version) {
      const named = parseVersion(version);
      if (named === undefined) return undefined;
      this.#lastNamed = { version, named };
    }
    return this.#lastNamed.named;
  }

  #seal(secret: Uint8Array, facts: VersionFacts, binding: Uint8Array): WrappedSecret {
    const nonce = randomPublic(BOX_NONCE_LENGTH);
    const box = this.#underKek(facts, binding, (key) => sealBox(secret, nonce, key));
    return { uri: this.uri, version: facts.version, algorithm: WRAP_ALGORITHM.local, wrap: concat(nonce, box) };
  }

  #open(wrap: Uint8Array, facts: VersionFacts, binding: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const length = wrap.length - BOX_NONCE_LENGTH - BOX_OVERHEAD;
    if (!isSecretLength(length)) return undefined;
    const nonce = wrap.subarray(0, BOX_NONCE_LENGTH);
    return this.#underKek(facts, binding, (key) => openBox(wrap.subarray(BOX_NONCE_LENGTH), nonce, key));
  }

  #underKek<T>({ n, keyId }: VersionFacts, binding: Uint8Array, work: (key: Uint8Array) => T): T {
    return this.#store.withKek(n, (kek) => {
      const key = expandLabel(kek, LABEL, [keyId, binding], 32);
      try {
        return work(key);
      } finally {
        zero(key);
      }
    });
  }

  #assertMine({ uri, algorithm }: WrappedSecret): void {
    if (uri !== this.uri) {
      throw new WaxsealError('ERR_NO_MATCHING_KEY', `a wrap under ${uri} was given to ${this.uri}`, {
        object: this.uri,
      });
    }
    if (algorithm !== WRAP_ALGORITHM.local) {
      throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${this.uri} cannot unwrap algorithm ${String(algorithm)}`, {
        object: this.uri,
      });
    }
  }

  #noVersion(version: string): WaxsealError {
    const shown = version.slice(0, 64);
    return new WaxsealError('ERR_KEY_NOT_FOUND', `${this.uri} has no version ${shown} in this keyring`, {
      object: this.uri,
      next: 'use the home that holds this version, or restore the keyring from its backup: waxseal key restore FILE',
    });
  }

  #disabled(facts: VersionFacts | undefined, use: 'wrap' | 'unwrap'): WaxsealError {
    const state = facts?.state ?? 'destroyed';
    const what = `version ${String(facts?.n)} of ${this.uri} is ${state}`;
    if (use === 'wrap') {
      return new WaxsealError('ERR_KEY_DISABLED', `${what}, so that ${this.uri} cannot wrap anything new`, {
        object: this.uri,
        next: `make a new version: waxseal rotate ${this.uri}`,
      });
    }
    const next =
      state === 'destroyed'
        ? 'what was sealed under it only is gone; another recipient of the object may still open it'
        : `enable it again if that was a mistake: waxseal key enable ${this.uri} --key-version ${String(facts?.n)}`;
    return new WaxsealError('ERR_KEY_DISABLED', `${what}, so that what it wrapped cannot be opened`, {
      object: this.uri,
      next,
    });
  }

  #notAuthentic({ n }: VersionFacts): WaxsealError {
    return new WaxsealError(
      'ERR_AUTHENTICATION',
      `a wrap does not authenticate under version ${String(n)} of ${this.uri}: it was changed, or made for another object`,
      { object: this.uri },
    );
  }
}

interface NamedVersion {
  readonly n: number;
  readonly keyId: Uint8Array;
}

/** Only the full form: what an object records names the id of the key, not just a number that two keyrings may share. */
function parseVersion(version: string): NamedVersion | undefined {
  const match = /^([1-9][0-9]{0,7})\.([\w-]{22})$/.exec(version);
  const keyId = fromBase64Url(match?.[2] ?? '');
  return match === null || keyId?.length !== KEY_ID_LENGTH ? undefined : { n: Number(match[1]), keyId };
}
