import type { KeyManagementServiceClient } from '@google-cloud/kms';
import { allocateSecret, zero } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions, WrappedSecret } from '../../src/keys/provider.ts';
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { Edge, isSecretLength } from '../../src/keys/remote/index.ts';
import { Client, type KmsSdk } from './client.ts';
import { crc32c } from './crc32c.ts';
import { explainGcp, notOurs } from './error-table.ts';
import { recordedUri } from './key-uri.ts';
import type { GcpKmsOptions } from './options.ts';

/** The longest ciphertext that an object can record. */
const MAX_CIPHERTEXT = 2048;

/** Options of one request: the edge repeats, the SDK does not. */
export interface RequestOptions {
  readonly retry: null;
  readonly signal: AbortSignal;
}

type Send<T> = (client: KeyManagementServiceClient, options: RequestOptions) => Promise<[T, ...unknown[]]>;

/** The calls to Cloud KMS for one key, each behind the edge, and what is checked of their answers. */
export class KmsCalls {
  readonly key: string;
  readonly uri: string;
  readonly #client: Client;
  readonly #edge: Edge;

  constructor(sdk: KmsSdk, options: GcpKmsOptions) {
    this.key = options.key;
    this.uri = recordedUri(options.key);
    this.#client = new Client(sdk, options);
    this.#edge = new Edge(this.uri, options, (error, { name }) => explainGcp(error, this.uri, name));
  }

  /**
   * One call.
   *
   * @param check of the answer, inside the attempt: an answer that was damaged on the way is asked for again
   */
  send<T, R>(
    name: string,
    options: CallOptions & { readonly once?: boolean },
    send: Send<T>,
    check: (answer: T) => R,
  ): Promise<R> {
    return this.#edge.call({ name, ...options }, async (signal) => {
      const client = await this.#client.ready();
      signal.throwIfAborted();
      const [answer] = await send(client, { retry: null, signal });
      return check(answer);
    });
  }

  close(): void {
    this.#client.close();
  }

  /** @throws WaxsealError `ERR_AUTHENTICATION` for what this key cannot have wrapped */
  assertWrap({ uri, algorithm, wrap }: WrappedSecret): void {
    const isPossible = wrap.length > 0 && wrap.length <= MAX_CIPHERTEXT;
    if (uri !== this.uri || algorithm !== WRAP_ALGORITHM.gcpKms || !isPossible) throw notOurs(this.uri);
  }

  /** Bytes in an answer, which is taken only if it has them as they were sent. */
  whole(bytes: unknown, checksum: { readonly value?: unknown } | null | undefined, what: string): Uint8Array {
    if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw this.malformed(`it has no ${what}`);
    if (Number(checksum?.value ?? Number.NaN) !== crc32c(bytes)) {
      throw this.damaged(`the CRC32C of the ${what} does not match`);
    }
    return bytes;
  }

  /** The secret in an answer, moved into memory of its own; what the SDK decoded is zeroed. */
  secret(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    if (!isSecretLength(plaintext.length)) {
      zero(plaintext);
      throw this.malformed('it has no plaintext of 16 to 64 bytes');
    }
    const secret = allocateSecret(plaintext.length);
    secret.set(plaintext);
    zero(plaintext);
    return secret;
  }

  malformed(why: string): WaxsealError {
    const message = `${this.uri} broke its contract: the answer of Cloud KMS is wrong: ${why}`;
    return new WaxsealError('ERR_PROVIDER_RESPONSE', message, { object: this.uri });
  }

  /** Bits that changed on the way: the same call may succeed. */
  damaged(why: string): WaxsealError {
    const message = `${this.uri}: what was exchanged with Cloud KMS was damaged on the way: ${why}`;
    return new WaxsealError('ERR_PROVIDER_RESPONSE', message, { object: this.uri, retryable: true });
  }
}
