import type { KMSClient } from '@aws-sdk/client-kms';
import { loadPeer } from '../../src/keys/remote/index.ts';
import type { AwsConnection } from './options.ts';

/** What of the SDK is used. */
export type KmsSdk = typeof import('@aws-sdk/client-kms');

/** The range of versions in package.json. */
const SDK_RANGE = '^3.980.0';

/** Loads the SDK. @throws WaxsealError `ERR_PROVIDER_MISSING` */
export function loadSdk(): Promise<KmsSdk> {
  return loadPeer('@aws-sdk/client-kms', SDK_RANGE, () => import('@aws-sdk/client-kms'));
}

/** The client that was given, or one of our own. The SDK's retries are off: repeating is the edge's work. */
export function clientOf(sdk: KmsSdk, options: AwsConnection, region: string | undefined): KMSClient {
  const { client, endpoint, profile, credentials } = options;
  if (client !== undefined) return client;
  return new sdk.KMSClient({
    maxAttempts: 1,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
  });
}
