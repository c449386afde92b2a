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
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { afterRotation, assertBinding, assertWrapInput } from '../../src/keys/remote/index.ts';
import type { KmsCalls } from './calls.ts';
import { crc32c } from './crc32c.ts';
import { describeKey } from './describe.ts';
import { isVersion, versionOf } from './name.ts';
import { customRole } from './policy.ts';
import { Primary } from './primary.ts';
import { makePrimary } from './rotate.ts';

/**
 * The version that `unwrap` reports for a wrap that claims the primary version and is not of it. No version has this name,
 * so that a rewrap brings the wrap to the primary one.
 */
export const NOT_PRIMARY = 'not the primary';

/**
 * A symmetric key of Cloud KMS. `version` is the number of the key version: Encrypt tells it; Decrypt tells whether it used
 * the primary one. Everything that is sent and received carries a CRC32C, and is asked for again where that is wrong.
 *
 * @see SPEC.md section "Wrap algorithms", number 8
 */
export class GcpKmsKey implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = [WRAP_ALGORITHM.gcpKms];
  readonly bindsContext = true;
  readonly symmetric = true;
  readonly #calls: KmsCalls;
  readonly #primary: Primary;
  readonly #rotationTimeoutMs: number;

  /** @internal */
  constructor(calls: KmsCalls, rotationTimeoutMs: number) {
    this.uri = calls.uri;
    this.#calls = calls;
    this.#primary = new Primary(calls);
    this.#rotationTimeoutMs = rotationTimeoutMs;
  }

  /** Encrypt, under the primary version. */
  async wrap(secret: Uint8Array, binding: Uint8Array, options: CallOptions = {}): Promise<WrappedSecret> {
    assertWrapInput(secret, binding);
    const calls = this.#calls;
    const request = {
      name: calls.key,
      plaintext: secret,
      plaintextCrc32c: { value: crc32c(secret) },
      additionalAuthenticatedData: binding,
      additionalAuthenticatedDataCrc32c: { value: crc32c(binding) },
    };
    return calls.send(
      'Encrypt',
      options,
      (client, requestOptions) => client.encrypt(request, requestOptions),
      (answer) => {
        if (answer.verifiedPlaintextCrc32c !== true || answer.verifiedAdditionalAuthenticatedDataCrc32c !== true) {
          throw calls.damaged('Cloud KMS did not verify the CRC32C of the request');
        }
        const version = versionOf(answer.name, calls.key);
        if (version === undefined) throw calls.malformed(`it speaks of the version ${String(answer.name)}`);
        const wrap = new Uint8Array(calls.whole(answer.ciphertext, answer.ciphertextCrc32c, 'ciphertext'));
        this.#primary.learn(version);
        return { uri: this.uri, version, algorithm: WRAP_ALGORITHM.gcpKms, wrap };
      },
    );
  }

  /** Decrypt. The version that the wrap claims is checked against what Decrypt says of the primary one. */
  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    const calls = this.#calls;
    calls.assertWrap(wrapped);
    const request = {
      name: calls.key,
      ciphertext: wrapped.wrap,
      ciphertextCrc32c: { value: crc32c(wrapped.wrap) },
      additionalAuthenticatedData: binding,
      additionalAuthenticatedDataCrc32c: { value: crc32c(binding) },
    };
    const { secret, usedPrimary } = await calls.send(
      'Decrypt',
      options,
      (client, requestOptions) => client.decrypt(request, requestOptions),
      (answer) => ({
        secret: calls.secret(calls.whole(answer.plaintext, answer.plaintextCrc32c, 'plaintext')),
        usedPrimary: answer.usedPrimary === true,
      }),
    );
    return { secret, version: await this.#versionOf(wrapped.version, usedPrimary, options) };
  }

  /** The version behind a claim: what nobody can forge is whether it is the primary one. */
  async #versionOf(claimed: string, usedPrimary: boolean, options: CallOptions): Promise<string> {
    const recent = this.#primary.recent;
    if (usedPrimary && recent === claimed) return claimed;
    if (!usedPrimary && recent !== undefined && recent !== claimed && isVersion(claimed)) return claimed;
    const primary = await this.#primary.ask(options);
    if (primary === undefined) return isVersion(claimed) ? claimed : NOT_PRIMARY;
    if (usedPrimary) return primary;
    return primary === claimed || !isVersion(claimed) ? NOT_PRIMARY : claimed;
  }

  /** GetCryptoKey and ListCryptoKeyVersions. */
  async describe(options: CallOptions = {}): Promise<KeyDescription> {
    const description = await describeKey(this.#calls, options);
    this.#primary.learn(description.currentVersion);
    return description;
  }

  /**
   * CreateCryptoKeyVersion, then UpdateCryptoKeyPrimaryVersion once the version is enabled.
   *
   * @throws WaxsealError which says so where the version was made and is not the primary one
   */
  async rotate(options: CallOptions = {}): Promise<KeyDescription> {
    await makePrimary(this.#calls, this.#rotationTimeoutMs, options);
    return afterRotation(this.uri, () => this.describe(options));
  }

  /** GetCryptoKey on the side. Whether a rotation is permitted, Cloud KMS tells only who rotates. */
  async probe(options: CallOptions = {}): Promise<KeyProbe> {
    await this.#primary.ask(options);
    return { mayRotate: undefined, clockSkewMs: undefined };
  }

  /** A custom role of IAM. */
  policy(role: PolicyRole): string {
    return customRole(role, this.#calls.key, this.uri);
  }

  /** UpdateCryptoKeyVersion: disables a version. */
  async disableVersion(version: string, options: CallOptions = {}): Promise<void> {
    const calls = this.#calls;
    if (!isVersion(version)) {
      throw new WaxsealError('ERR_KEY_NOT_FOUND', `${this.uri} has no version ${version}`, { object: this.uri });
    }
    const name = `${calls.key}/cryptoKeyVersions/${version}`;
    await calls.send(
      'UpdateCryptoKeyVersion',
      options,
      (client, requestOptions) =>
        client.updateCryptoKeyVersion(
          { cryptoKeyVersion: { name, state: 'DISABLED' }, updateMask: { paths: ['state'] } },
          requestOptions,
        ),
      (answer) => {
        if (answer.name !== name) throw calls.malformed(`it speaks of the version ${String(answer.name)}`);
      },
    );
  }

  /** Lets the connections go, unless the client is the caller's. */
  close(): void {
    this.#calls.close();
  }
}
