import type { KMSClient } from '@aws-sdk/client-kms';
import { WaxsealError } from '../../src/errors/index.ts';
import { loadPeer, requireEndpoint } from '../../src/keys/remote/index.ts';
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
  const made = new sdk.KMSClient({
    maxAttempts: 1,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  // Environment and profile may name an endpoint, too: the same holds for it.
  made.middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname } = args.request as { readonly protocol: string; readonly hostname: string };
      requireEndpoint(`${protocol}//${hostname}`, 'the endpoint');
      return next(args);
    },
    { name: 'waxsealSafeEndpoint', step: 'build', priority: 'low' },
  );
  return made;
}

/**
 * A client of the caller's must not repeat calls by itself: a rotation would be done twice, and the rate budget not hold.
 *
 * @throws WaxsealError `ERR_CONFIG`
 */
export async function requireOneAttempt(client: KMSClient | undefined): Promise<void> {
  if (client === undefined) return;
  const attempts = await client.config.maxAttempts();
  if (attempts === 1) return;
  throw new WaxsealError('ERR_CONFIG', `the client that was given makes up to ${String(attempts)} attempts by itself`, {
    object: 'client',
    next: 'make it with new KMSClient({ maxAttempts: 1 }): what may be repeated is repeated here',
  });
}
