import { createRequire } from 'node:module';
import type { KeyManagementServiceClient } from '@google-cloud/kms';
import { loadPeer } from '../../src/keys/remote/index.ts';
import type { GcpKmsOptions } from './options.ts';

/** The range of versions in package.json. */
const SDK_RANGE = '^6.0.0';

/** What of the SDK is used. */
export type KmsSdk = typeof import('@google-cloud/kms');

/** Loads the SDK. @throws WaxsealError `ERR_PROVIDER_MISSING` */
export function loadSdk(): Promise<KmsSdk> {
  return loadPeer('@google-cloud/kms', SDK_RANGE, async () => {
    const sdk = (await import('@google-cloud/kms')) as KmsSdk & { readonly default?: KmsSdk };
    return sdk.default ?? sdk;
  });
}

/** From the gRPC that the SDK itself uses: its own types are those of that package. */
function insecureCredentials(): ChannelCredentials {
  const ofSdk = createRequire(import.meta.resolve('@google-cloud/kms'));
  const { grpc } = ofSdk('google-gax') as {
    readonly grpc: { readonly credentials: { createInsecure(): ChannelCredentials } };
  };
  return grpc.credentials.createInsecure();
}

type ClientOptions = NonNullable<ConstructorParameters<KmsSdk['KeyManagementServiceClient']>[0]>;
type ChannelCredentials = NonNullable<ClientOptions['sslCreds']>;

/** A client whose credentials have been found. */
export class Client {
  readonly #sdk: KmsSdk;
  readonly #options: GcpKmsOptions;
  #ready: Promise<KeyManagementServiceClient> | undefined;

  constructor(sdk: KmsSdk, options: GcpKmsOptions) {
    this.#sdk = sdk;
    this.#options = options;
  }

  /**
   * The client, once it is initialised. That is awaited before any call: a call of its own would turn a failure of it into
   * an unhandled rejection. A client that could not be initialised stays so, and the next attempt gets another.
   */
  ready(): Promise<KeyManagementServiceClient> {
    this.#ready ??= this.#start().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #start(): Promise<KeyManagementServiceClient> {
    const client = this.#options.client ?? new this.#sdk.KeyManagementServiceClient(this.#connection());
    await client.initialize();
    return client;
  }

  #connection(): ClientOptions {
    const { endpoint, keyFile, credentials } = this.#options;
    const identity = {
      ...(keyFile === undefined ? {} : { keyFilename: keyFile }),
      ...(credentials === undefined ? {} : { credentials }),
    };
    if (endpoint === undefined) return identity;
    const { hostname, port, protocol } = new URL(endpoint);
    const servicePath = hostname.replace(/^\[|\]$/g, '');
    if (protocol === 'https:') return { ...identity, apiEndpoint: servicePath, port: port === '' ? 443 : Number(port) };
    // An emulator of this machine: no TLS, and so no credentials either.
    return { apiEndpoint: servicePath, port: port === '' ? 80 : Number(port), sslCreds: insecureCredentials() };
  }

  /** Closes the connections of a client that was made here. */
  close(): void {
    const ready = this.#ready;
    this.#ready = undefined;
    if (this.#options.client !== undefined || ready === undefined) return;
    void ready.then(
      (client) => client.close(),
      () => undefined,
    );
  }
}
