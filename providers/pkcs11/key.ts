import { WaxsealError } from '../../src/errors/index.ts';
import type {
  CallOptions,
  KeyDescription,
  KeyProbe,
  KeyProvider,
  PolicyRole,
  UnwrappedSecret,
  WrappedSecret,
} from '../../src/keys/provider.ts';
import { assertBinding, assertWrapInput } from '../../src/keys/remote/index.ts';
import { notAuthentic } from './error-table.ts';
import { tokenPolicy } from './policy.ts';
import type { KeyRow, Mechanism } from './protocol.ts';
import type { TokenCalls } from './token-calls.ts';
import { describeVersions, inOrder, newId, nextNumber } from './versions.ts';
import type { Wraps } from './wraps.ts';

const AES_BITS = 256;

/**
 * A key of a PKCS#11 token: all keys with one label (CKA_LABEL), told apart by CKA_ID, which is the `version` in
 * hexadecimal. Key material never leaves the token; the calls to it run in a thread of their own.
 *
 * @see SPEC.md section "Wrap algorithms", numbers 5, 6, 7 and 10
 */
export class Pkcs11Key implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[];
  readonly bindsContext: boolean;
  readonly symmetric: boolean;
  /** How secrets are wrapped. */
  readonly mechanism: Mechanism;
  /** Inside the token; there for `aes-kwp` and `rsa-oaep` where the token was seen to do it. */
  readonly rewrap?: NonNullable<KeyProvider['rewrap']>;
  /** There unless the key was named with its CKA_ID, which is one version for ever. */
  readonly rotate?: NonNullable<KeyProvider['rotate']>;
  readonly #calls: TokenCalls;
  readonly #wraps: Wraps;
  readonly #only: string | undefined;

  /** @internal */
  constructor(calls: TokenCalls, mechanism: Mechanism, wraps: Wraps, only: string | undefined, rewraps: boolean) {
    this.uri = calls.uri;
    this.algorithms = [wraps.algorithm];
    this.bindsContext = wraps.bindsContext;
    this.symmetric = wraps.symmetric;
    this.mechanism = mechanism;
    this.#calls = calls;
    this.#wraps = wraps;
    this.#only = only;
    const { rewrap } = wraps;
    if (rewraps && rewrap !== undefined) {
      this.rewrap = async (wrapped, binding, options = {}) => {
        assertBinding(binding);
        options.signal?.throwIfAborted();
        this.#assertMine(wrapped);
        const current = await this.#current(options);
        const wrap = await rewrap(wrapped.version, wrapped.wrap, current, options);
        return { wrapped: this.#wrapped(current.id, wrap), from: wrapped.version };
      };
    }
    if (only === undefined) this.rotate = (options = {}) => this.#rotate(options);
  }

  /** Wraps under the newest version. */
  async wrap(secret: Uint8Array, binding: Uint8Array, options: CallOptions = {}): Promise<WrappedSecret> {
    assertWrapInput(secret, binding);
    options.signal?.throwIfAborted();
    const current = await this.#current(options);
    return this.#wrapped(current.id, await this.#wraps.wrap(current, secret, binding, options));
  }

  /** Unwraps in the token; needs CKA_DECRYPT (AES-GCM, RSA-OAEP) or CKA_UNWRAP (AES-KWP). */
  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    this.#assertMine(wrapped);
    const { version, wrap } = wrapped;
    return { secret: await this.#wraps.unwrap(version, wrap, binding, options), version };
  }

  /** Lists the keys with the label, and what their flags allow. */
  async describe(options: CallOptions = {}): Promise<KeyDescription> {
    return describeVersions(this.uri, await this.#rows(options, true), this.#calls.token);
  }

  /** Switches all uses of a version off (C_SetAttributeValue; needs CKA_MODIFIABLE). */
  async disableVersion(version: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if ((this.#only ?? version) !== version) throw this.#noVersion(version);
    await this.#calls.send('disable', { token: this.#calls.token.handle, key: this.#calls.version(version) }, options);
  }

  /** Whether the login can rotate, only a rotation tells; a token has no clock. */
  async probe(options: CallOptions = {}): Promise<KeyProbe> {
    await this.#rows(options, true);
    return { mayRotate: this.rotate === undefined ? false : undefined, clockSkewMs: undefined };
  }

  /** Flags of the key and the login. */
  policy(role: PolicyRole): string {
    return tokenPolicy(role, this.mechanism);
  }

  /** Lets go of the token. */
  close(): void {
    this.#calls.close();
  }

  /** Makes a key beside the older ones: not extractable, sensitive, with the same label and the next number. */
  async #rotate(options: CallOptions): Promise<KeyDescription> {
    options.signal?.throwIfAborted();
    const rows = await this.#rows(options, true);
    const bits = inOrder(rows).at(-1)?.bits ?? AES_BITS;
    const { token, key } = this.#calls;
    const made = { ...key, id: newId(nextNumber(rows)) };
    const args = { token: token.handle, key: made, mechanism: this.mechanism, bits };
    await this.#calls.send('generate', args, { ...options, once: true });
    return this.describe(options);
  }

  async #rows(options: CallOptions, fresh: boolean): Promise<readonly KeyRow[]> {
    const rows = await this.#calls.list(options, fresh);
    const mine = this.#only === undefined ? rows : rows.filter(({ id }) => id === this.#only);
    if (mine.length > 0) return mine;
    throw new WaxsealError('ERR_KEY_NOT_FOUND', `${this.uri}: the token has no such key`, {
      object: this.uri,
      next: 'see its keys with pkcs11-tool --login --list-objects',
    });
  }

  async #current(options: CallOptions): Promise<KeyRow> {
    const newest = inOrder(await this.#rows(options, false)).at(-1);
    if (newest !== undefined && this.#wraps.mayWrap(newest)) return newest;
    const { wrapFlag } = this.#wraps;
    throw new WaxsealError('ERR_KEY_DISABLED', `the newest version of ${this.uri} may not wrap: it lacks ${wrapFlag}`, {
      object: this.uri,
      next: 'rotate the key, or set the flag again if it was taken away by mistake',
    });
  }

  #wrapped(version: string, wrap: Uint8Array): WrappedSecret {
    return { uri: this.uri, version, algorithm: this.#wraps.algorithm, wrap };
  }

  #assertMine({ uri, algorithm, version, wrap }: WrappedSecret): void {
    const mine = uri === this.uri && algorithm === this.#wraps.algorithm && wrap.length > 0;
    if (!mine) throw notAuthentic(this.uri);
    if (/^([0-9a-f]{2})+$/.test(version) && (this.#only ?? version) === version) return;
    throw this.#noVersion(version);
  }

  #noVersion(version: string): WaxsealError {
    return new WaxsealError('ERR_KEY_NOT_FOUND', `${this.uri} has no version ${version}`, {
      object: this.uri,
      next: 'see its versions with key show; bring the version back from a backup of the token',
    });
  }
}
