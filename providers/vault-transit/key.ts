import type {
  CallOptions,
  GeneratedSecret,
  KeyDescription,
  KeyProbe,
  KeyProvider,
  PolicyRole,
  ProviderRewrap,
  UnwrappedSecret,
  WrappedSecret,
} from '../../src/keys/provider.ts';
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { isWaxsealError } from '../../src/errors/index.ts';
import { afterRotation, assertBinding, assertWrapInput } from '../../src/keys/remote/index.ts';
import { type Ciphertext, parseCiphertext } from './ciphertext.ts';
import { describeKey, readKey } from './describe.ts';
import { notAuthentic } from './error-table.ts';
import { transitPolicy } from './policy.ts';
import type { TransitCalls } from './transit.ts';

const DATA_KEY_BITS = 256;

/**
 * A derived key of the Transit engine of Vault or OpenBao. `version` is the number in the ciphertext, which is the one
 * that the server uses, whatever the object claims.
 *
 * @see SPEC.md section "Wrap algorithms", number 4
 */
export class VaultTransitKey implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = [WRAP_ALGORITHM.transit];
  readonly bindsContext = true;
  readonly symmetric = true;
  readonly #calls: TransitCalls;
  readonly #key: string;

  /** @internal */
  constructor(calls: TransitCalls, key: string) {
    this.uri = calls.subject.uri;
    this.#calls = calls;
    this.#key = key;
  }

  /** `encrypt` (policy: `update` on `encrypt/KEY`). */
  async wrap(secret: Uint8Array, binding: Uint8Array, options: CallOptions = {}): Promise<WrappedSecret> {
    assertWrapInput(secret, binding);
    const item = { context: base64(binding), plaintext: base64(secret) };
    return this.#wrapped(this.#calls.ciphertext(await this.#calls.item('encrypt', item, options)));
  }

  /** `decrypt` (policy: `update` on `decrypt/KEY`). */
  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    const { text: ciphertext, version } = this.#mine(wrapped);
    const item = { context: base64(binding), ciphertext };
    const answer = await this.#found(wrapped, version, this.#calls.item('decrypt', item, options));
    return this.#calls.secret(answer, version);
  }

  /** `datakey/plaintext` (policy: `update` on `datakey/plaintext/KEY`). */
  async generateDataKey(binding: Uint8Array, options: CallOptions = {}): Promise<GeneratedSecret> {
    assertBinding(binding);
    const body = { context: base64(binding), bits: DATA_KEY_BITS };
    const answer = await this.#calls.send('POST', `datakey/plaintext/${this.#key}`, body, options);
    const wrapped = this.#wrapped(this.#calls.ciphertext(answer));
    const generated = this.#calls.secret(answer, wrapped.version);
    if (generated.secret.length * 8 !== DATA_KEY_BITS) throw this.#calls.malformed('the data key has not 32 bytes');
    return { ...generated, wrapped };
  }

  /** `rewrap` (policy: `update` on `rewrap/KEY`): the secret stays inside the server. */
  async rewrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<ProviderRewrap> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    const { text: ciphertext, version } = this.#mine(wrapped);
    const item = { context: base64(binding), ciphertext };
    const answer = await this.#found(wrapped, version, this.#calls.item('rewrap', item, options));
    return { wrapped: this.#wrapped(this.#calls.ciphertext(answer)), from: version };
  }

  /** Reads the key (policy: `read` on `keys/KEY`). */
  async describe(options: CallOptions = {}): Promise<KeyDescription> {
    return describeKey(this.uri, await readKey(this.#calls, this.#key, options));
  }

  /** `rotate` (policy: `update` on `keys/KEY/rotate`). */
  async rotate(options: CallOptions = {}): Promise<KeyDescription> {
    await this.#calls.send('POST', `keys/${this.#key}/rotate`, {}, { ...options, once: true });
    return afterRotation(this.uri, () => this.describe(options));
  }

  /**
   * Raises `min_decryption_version` (policy: `update` on `keys/KEY/config`): all versions below neither wrap nor unwrap any
   * more. Transit cannot switch a single version off, so this is not `disableVersion` of the port.
   *
   * @param version the oldest version that shall still open what it wrapped
   * @throws RangeError for what is not above the version that is the oldest now: lower ones would open again, which is the
   * administrator's to decide
   */
  async raiseMinimumVersion(version: string, options: CallOptions = {}): Promise<void> {
    if (!/^[1-9][0-9]{0,8}$/.test(version)) throw new RangeError('a version of Transit is a positive number');
    const number = Number(version);
    const { versions } = await this.describe(options);
    const oldest = versions.find(({ state }) => state !== 'suspended' && state !== 'destroyed');
    if (oldest !== undefined && number < Number(oldest.version)) {
      throw new RangeError(
        `version ${oldest.version} is the oldest that opens now: ${version} would bring others back`,
      );
    }
    await this.#calls.send('POST', `keys/${this.#key}/config`, { min_decryption_version: number }, options);
  }

  /** Asks the server what the token may do (`sys/capabilities-self`), and looks at its clock. */
  async probe(options: CallOptions = {}): Promise<KeyProbe> {
    return {
      mayRotate: await this.#calls.mayUpdate(`keys/${this.#key}/rotate`, options),
      clockSkewMs: this.#calls.clockSkewMs(),
    };
  }

  /** A policy in HCL. */
  policy(role: PolicyRole): string {
    return transitPolicy(role, this.#calls.subject.mount, this.#key);
  }

  /** Lets the connections go. */
  close(): void {
    this.#calls.close();
  }

  #wrapped({ text, version }: Ciphertext): WrappedSecret {
    return {
      uri: this.uri,
      version,
      algorithm: WRAP_ALGORITHM.transit,
      wrap: new Uint8Array(Buffer.from(text, 'latin1')),
    };
  }

  #mine({ uri, algorithm, wrap }: WrappedSecret): Ciphertext {
    const parsed =
      uri === this.uri && algorithm === WRAP_ALGORITHM.transit
        ? parseCiphertext(Buffer.from(wrap).toString('latin1'))
        : undefined;
    if (parsed === undefined) throw notAuthentic(this.uri);
    return parsed;
  }

  /** A version that the server does not have is lost only if the object names it, too; otherwise the wrap was changed. */
  async #found<T>(wrapped: WrappedSecret, version: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isWaxsealError(error, 'ERR_KEY_NOT_FOUND') && wrapped.version !== version) throw notAuthentic(this.uri);
      throw error;
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
