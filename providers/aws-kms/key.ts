import { WaxsealError } from '../../src/errors/index.ts';
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
import { afterRotation, assertBinding, assertWrapInput } from '../../src/keys/remote/index.ts';
import { isReplica, type KeyArn, parseKeyArn } from './arn.ts';
import { contextOf, type KmsCalls, UNREPORTED } from './calls.ts';
import { describeKey, keyMetadata } from './describe.ts';
import { recordedArn } from './key-uri.ts';
import { iamPolicy } from './policy.ts';

/** What a key keeps of its options. */
export interface KeySettings {
  readonly multiRegion: boolean;
  readonly rotationTimeoutMs: number;
  /** The only keys that may be used, replicas included. */
  readonly allowedKeys?: readonly string[] | undefined;
  /** Whether the client was made for this key. */
  readonly ownsClient: boolean;
}

const POLL_MS = 500;
const DATA_KEY_BYTES = 32;

/**
 * A symmetric key of AWS KMS. Every call names the key by its ARN: a wrap made under any other key, of whatever account,
 * is refused. `version` is the id of the key material (KeyMaterialId), which KMS tells when it decrypts.
 *
 * @see SPEC.md section "Wrap algorithms", number 3
 */
export class AwsKmsKey implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[] = [WRAP_ALGORITHM.awsKms];
  readonly bindsContext = true;
  readonly symmetric = true;
  readonly #arn: KeyArn;
  readonly #calls: KmsCalls;
  readonly #settings: KeySettings;

  /** @internal */
  constructor(arn: KeyArn, calls: KmsCalls, settings: KeySettings) {
    this.uri = calls.uri;
    this.#arn = arn;
    this.#calls = calls;
    this.#settings = settings;
  }

  /** Replicas of a multi-Region key, where `multiRegion` was asked for. */
  accepts(uri: string): boolean {
    if (!this.#settings.multiRegion) return false;
    const other = parseKeyArn(recordedArn(uri) ?? '');
    if (other === undefined || this.#settings.allowedKeys?.includes(other.arn) === false) return false;
    return isReplica(this.#arn, other);
  }

  /** Encrypt (kms:Encrypt). KMS does not tell the key material here, so `version` is empty. */
  async wrap(secret: Uint8Array, binding: Uint8Array, options: CallOptions = {}): Promise<WrappedSecret> {
    assertWrapInput(secret, binding);
    const calls = this.#calls;
    const answer = await calls.send('Encrypt', options, (sdk, client, abort) => {
      const EncryptionContext = contextOf(binding);
      const input = { KeyId: this.#arn.arn, Plaintext: secret, EncryptionContext, ...calls.grants };
      return client.send(new sdk.EncryptCommand(input), abort);
    });
    calls.assertKey(answer, this.#arn.arn);
    return calls.wrapped(answer.CiphertextBlob, '');
  }

  /** Decrypt (kms:Decrypt). */
  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    const calls = this.#calls;
    calls.assertWrap(wrapped, this.#isMine(wrapped));
    const answer = await calls.send('Decrypt', options, (sdk, client, abort) => {
      const EncryptionContext = contextOf(binding);
      const input = { KeyId: this.#arn.arn, CiphertextBlob: wrapped.wrap, EncryptionContext, ...calls.grants };
      return client.send(new sdk.DecryptCommand(input), abort);
    });
    calls.assertKey(answer, this.#arn.arn);
    return calls.secret(answer.Plaintext, answer.KeyMaterialId);
  }

  /** GenerateDataKey (kms:GenerateDataKey). */
  async generateDataKey(binding: Uint8Array, options: CallOptions = {}): Promise<GeneratedSecret> {
    assertBinding(binding);
    const calls = this.#calls;
    const answer = await calls.send('GenerateDataKey', options, (sdk, client, abort) => {
      const EncryptionContext = contextOf(binding);
      const input = { KeyId: this.#arn.arn, NumberOfBytes: DATA_KEY_BYTES, EncryptionContext, ...calls.grants };
      return client.send(new sdk.GenerateDataKeyCommand(input), abort);
    });
    calls.assertKey(answer, this.#arn.arn);
    const generated = calls.secret(answer.Plaintext, answer.KeyMaterialId);
    if (generated.secret.length !== DATA_KEY_BYTES) throw calls.malformed('the data key has not 32 bytes');
    return { ...generated, wrapped: calls.wrapped(answer.CiphertextBlob, generated.version) };
  }

  /** ReEncrypt under the same key (kms:ReEncryptFrom, kms:ReEncryptTo): the secret stays inside KMS. */
  async rewrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<ProviderRewrap> {
    assertBinding(binding);
    options.signal?.throwIfAborted();
    const calls = this.#calls;
    calls.assertWrap(wrapped, this.#isMine(wrapped));
    const { arn } = this.#arn;
    const answer = await calls.send('ReEncrypt', options, (sdk, client, abort) => {
      const context = contextOf(binding);
      return client.send(
        new sdk.ReEncryptCommand({
          CiphertextBlob: wrapped.wrap,
          SourceKeyId: arn,
          SourceEncryptionContext: context,
          DestinationKeyId: arn,
          DestinationEncryptionContext: context,
          ...calls.grants,
        }),
        abort,
      );
    });
    calls.assertKey(answer, arn);
    calls.assertKey({ KeyId: answer.SourceKeyId }, arn);
    const version = calls.version(answer.DestinationKeyMaterialId);
    return {
      wrapped: calls.wrapped(answer.CiphertextBlob, version),
      from: calls.version(answer.SourceKeyMaterialId),
    };
  }

  /** DescribeKey and ListKeyRotations (kms:DescribeKey; without kms:ListKeyRotations only the current version). */
  async describe(options: CallOptions = {}): Promise<KeyDescription> {
    return describeKey(this.#calls, this.#arn.arn, options);
  }

  /**
   * RotateKeyOnDemand (kms:RotateKeyOnDemand), and waits until DescribeKey shows the new key material.
   *
   * @throws WaxsealError `ERR_PROVIDER_UNAVAILABLE` when it does not show up in time: the rotation was accepted
   */
  async rotate(options: CallOptions = {}): Promise<KeyDescription> {
    const before = await this.describe(options);
    const { arn } = this.#arn;
    await this.#calls.send('RotateKeyOnDemand', { ...options, once: true }, (sdk, client, abort) =>
      client.send(new sdk.RotateKeyOnDemandCommand({ KeyId: arn }), abort),
    );
    const until = performance.now() + this.#settings.rotationTimeoutMs;
    for (;;) {
      const after = await afterRotation(this.uri, () => this.describe(options));
      const { currentVersion } = after;
      // An emulator that tells no versions will not tell of this one either.
      const isNew = currentVersion !== undefined && currentVersion !== before.currentVersion;
      if (isNew || currentVersion === UNREPORTED) return after;
      if (performance.now() > until) throw this.#notVisible();
      await pause(POLL_MS, options.signal);
    }
  }

  /** What DescribeKey shows on the side. Whether a rotation is permitted, KMS tells only who rotates. */
  async probe(options: CallOptions = {}): Promise<KeyProbe> {
    await keyMetadata(this.#calls, this.#arn.arn, options);
    return { mayRotate: undefined, clockSkewMs: this.#calls.clockSkewMs() };
  }

  /** An IAM policy. */
  policy(role: PolicyRole): string {
    return iamPolicy(role, this.#arn.arn);
  }

  /** Lets the connections go, unless the client is the caller's. */
  close(): void {
    this.#calls.close(this.#settings.ownsClient);
  }

  #isMine({ uri }: WrappedSecret): boolean {
    return uri === this.uri || this.accepts(uri);
  }

  #notVisible(): WaxsealError {
    const seconds = String(this.#settings.rotationTimeoutMs / 1000);
    return new WaxsealError(
      'ERR_PROVIDER_UNAVAILABLE',
      `KMS accepted the rotation of ${this.uri}, but did not show new key material within ${seconds} s`,
      { object: this.uri, next: 'do not rotate again: look with waxseal key show in a few minutes', retryable: false },
    );
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
