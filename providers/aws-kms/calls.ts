import type { KMSClient } from '@aws-sdk/client-kms';
import { toBase64Url } from '../../src/bytes/index.ts';
import { allocateSecret, zero } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions, UnwrappedSecret, WrappedSecret } from '../../src/keys/provider.ts';
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { Edge, isSecretLength } from '../../src/keys/remote/index.ts';
import { clientOf, type KmsSdk } from './client.ts';
import { explainAws } from './error-table.ts';
import type { AwsConnection } from './options.ts';

/** Recorded where an emulator does not tell which key material it used. AWS itself always does. */
export const UNREPORTED = 'unreported';

/** The longest ciphertext that KMS takes. */
const MAX_CIPHERTEXT = 6144;

/** An answer of KMS that names a key. */
interface Answer {
  readonly KeyId?: string | undefined;
}

/** Sends one command; built anew for every attempt. */
type Send<T> = (sdk: KmsSdk, client: KMSClient, options: { readonly abortSignal: AbortSignal }) => Promise<T>;

/** The calls to KMS for one key, each behind the edge, and what is checked of their answers. */
export class KmsCalls {
  readonly uri: string;
  readonly #sdk: KmsSdk;
  readonly #client: KMSClient;
  readonly #edge: Edge;
  readonly #grantTokens: readonly string[] | undefined;

  constructor(sdk: KmsSdk, options: AwsConnection, uri: string, region: string | undefined) {
    this.uri = uri;
    this.#sdk = sdk;
    this.#client = clientOf(sdk, options, region);
    this.#grantTokens = options.grantTokens;
    this.#edge = new Edge(uri, options, (error, { name }) => explainAws(error, uri, `kms:${name}`));
  }

  /** Grant tokens, as every request takes them. */
  get grants(): { GrantTokens?: string[] } {
    return this.#grantTokens === undefined ? {} : { GrantTokens: [...this.#grantTokens] };
  }

  /**
   * One call of KMS.
   *
   * @param name of the call, which is also that of the IAM action
   */
  send<T>(name: string, options: CallOptions & { readonly once?: boolean }, send: Send<T>): Promise<T> {
    return this.#edge.call({ name, ...options }, (abortSignal) => send(this.#sdk, this.#client, { abortSignal }));
  }

  /** What the SDK has learned of AWS's clock: it takes note of differences over five minutes. */
  clockSkewMs(): number {
    return this.#client.config.systemClockOffset;
  }

  /** Lets the sockets of a client go that was made here. */
  close(own: boolean): void {
    if (own) this.#client.destroy();
  }

  /** @throws WaxsealError `ERR_AUTHENTICATION` for what no key of KMS can have wrapped */
  assertWrap({ algorithm, wrap }: WrappedSecret, forThisKey: boolean): void {
    if (forThisKey && algorithm === WRAP_ALGORITHM.awsKms && wrap.length > 0 && wrap.length <= MAX_CIPHERTEXT) return;
    throw new WaxsealError(
      'ERR_AUTHENTICATION',
      `${this.uri}: the wrap does not authenticate: wrong key, wrong object, or it was changed`,
      { object: this.uri },
    );
  }

  /** @throws WaxsealError `ERR_PROVIDER_RESPONSE` when the answer speaks of another key */
  assertKey({ KeyId }: Answer, arn: string): void {
    if (KeyId !== arn) throw this.malformed(`it speaks of the key ${String(KeyId)}`);
  }

  /** The wrap in an answer. */
  wrapped(blob: Uint8Array | undefined, version: string): WrappedSecret {
    if (!(blob instanceof Uint8Array) || blob.length === 0) throw this.malformed('it has no ciphertext');
    return { uri: this.uri, version, algorithm: WRAP_ALGORITHM.awsKms, wrap: new Uint8Array(blob) };
  }

  /** The secret in an answer, moved into memory of its own; what the SDK decoded is zeroed. */
  secret(plaintext: Uint8Array | undefined, version: string | undefined): UnwrappedSecret {
    if (!(plaintext instanceof Uint8Array) || !isSecretLength(plaintext.length)) {
      throw this.malformed('it has no plaintext of 16 to 64 bytes');
    }
    const secret = allocateSecret(plaintext.length);
    secret.set(plaintext);
    zero(plaintext);
    return { secret, version: this.version(version) };
  }

  /** The key material that an answer names, which is what we call a version. */
  version(keyMaterialId: string | undefined): string {
    return keyMaterialId === undefined || keyMaterialId === '' ? UNREPORTED : keyMaterialId;
  }

  malformed(why: string): WaxsealError {
    return new WaxsealError(
      'ERR_PROVIDER_RESPONSE',
      `${this.uri} broke its contract: the answer of KMS is wrong: ${why}`,
      {
        object: this.uri,
      },
    );
  }
}

/** The encryption context that binds a wrap to its object (SPEC section "Wrap algorithms", 3). */
export function contextOf(binding: Uint8Array): Record<string, string> {
  return { waxseal: toBase64Url(binding) };
}
