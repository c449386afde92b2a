import { WaxsealError } from '../../src/errors/index.ts';
import type { KeyProvider, UnwrappedSecret, WrappedSecret, CallOptions } from '../../src/keys/provider.ts';
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { type KeyArn, parseKeyArn } from './arn.ts';
import { KmsCalls } from './calls.ts';
import { type KmsSdk, loadSdk, requireOneAttempt } from './client.ts';
import { recordedArn } from './key-uri.ts';
import { AwsKmsKey } from './key.ts';
import { type AwsConnection, checkConnection } from './options.ts';

/** Options of `awsKmsDiscovery`. */
export interface AwsKmsDiscoveryOptions extends AwsConnection {
  /** The accounts whose keys may be used: twelve digits each, at least one. */
  readonly accounts: readonly string[];
  /** Their partition: `aws`, `aws-us-gov`, `aws-cn`. */
  readonly partition: string;
}

/** Keys of so many objects are kept at hand. */
const MAX_KEYS = 256;

/**
 * Opens with whatever key of AWS KMS an object names, within the accounts and the partition of the filter. It only
 * opens: what is sealed or rewrapped names its key. Every Decrypt names the key of the object, after the filter.
 *
 * @throws TypeError without accounts and partition, or for unknown options; WaxsealError as `awsKms`
 *
 * @example
 * const keys = await awsKmsDiscovery({ accounts: ['111122223333'], partition: 'aws' });
 * await openFile('model.onnx.wax', 'model.onnx', keys);
 */
export async function awsKmsDiscovery(options: AwsKmsDiscoveryOptions): Promise<AwsKmsDiscovery> {
  checkConnection('awsKmsDiscovery', options, ['accounts', 'partition']);
  const { accounts, partition } = options as Partial<AwsKmsDiscoveryOptions>;
  if (
    !Array.isArray(accounts) ||
    accounts.length === 0 ||
    !accounts.every((account) => /^\d{12}$/.test(String(account)))
  ) {
    throw new TypeError('awsKmsDiscovery: accounts must name at least one account, in twelve digits');
  }
  if (typeof partition !== 'string' || !/^aws[a-z-]*$/.test(partition)) {
    throw new TypeError('awsKmsDiscovery: partition must be aws, aws-us-gov, aws-cn, …');
  }
  await requireOneAttempt(options.client);
  return new AwsKmsDiscovery(await loadSdk(), options);
}

/** See {@link awsKmsDiscovery}. */
export class AwsKmsDiscovery implements KeyProvider {
  /** Of no key; nothing is ever recorded under it. */
  readonly uri = 'awskms:///discovery';
  readonly algorithms: readonly number[] = [WRAP_ALGORITHM.awsKms];
  readonly bindsContext = true;
  readonly symmetric = true;
  readonly #sdk: KmsSdk;
  readonly #options: AwsKmsDiscoveryOptions;
  readonly #keys = new Map<string, AwsKmsKey>();

  /** @internal */
  constructor(sdk: KmsSdk, options: AwsKmsDiscoveryOptions) {
    this.#sdk = sdk;
    this.#options = options;
  }

  /** Whether the filter lets the key of this URI through. */
  accepts(uri: string): boolean {
    return this.#allowed(uri) !== undefined;
  }

  /** Always refuses: discovery opens only. @throws WaxsealError `ERR_PROVIDER_UNSUPPORTED` */
  wrap(): Promise<WrappedSecret> {
    return Promise.reject(
      new WaxsealError('ERR_PROVIDER_UNSUPPORTED', 'AWS KMS discovery opens objects; it does not seal to a key', {
        object: this.uri,
        next: 'name the key to seal to: awsKms({ key })',
      }),
    );
  }

  /** Decrypt with the key that the wrap names, if the filter lets it through. */
  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
    const arn = this.#allowed(wrapped.uri);
    if (arn === undefined) {
      throw new WaxsealError('ERR_NO_MATCHING_KEY', `the discovery filter does not allow ${wrapped.uri}`, {
        object: wrapped.uri,
        next: 'name its account and partition in the filter, if the key is yours',
      });
    }
    return this.#key(arn, wrapped.uri).unwrap(wrapped, binding, options);
  }

  #allowed(uri: string): KeyArn | undefined {
    const arn = parseKeyArn(recordedArn(uri) ?? '');
    if (arn === undefined) return undefined;
    const { accounts, partition, allowedKeys } = this.#options;
    if (arn.partition !== partition || !accounts.includes(arn.account)) return undefined;
    return allowedKeys?.includes(arn.arn) === false ? undefined : arn;
  }

  #key(arn: KeyArn, uri: string): AwsKmsKey {
    let key = this.#keys.get(uri);
    if (key === undefined) {
      const { client, region } = this.#options;
      const calls = new KmsCalls(this.#sdk, this.#options, uri, region ?? arn.region);
      key = new AwsKmsKey(arn, calls, { multiRegion: false, rotationTimeoutMs: 0, ownsClient: client === undefined });
      const [oldest] = this.#keys.keys();
      if (this.#keys.size >= MAX_KEYS && oldest !== undefined) this.#forget(oldest);
      this.#keys.set(uri, key);
    }
    return key;
  }

  #forget(uri: string): void {
    this.#keys.get(uri)?.close();
    this.#keys.delete(uri);
  }

  /** Lets all connections go. */
  close(): void {
    for (const uri of [...this.#keys.keys()]) this.#forget(uri);
  }
}
