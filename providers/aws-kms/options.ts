import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { refuseUnknownOptions } from '../../src/errors/index.ts';
import {
  CALL_LIMITS,
  type CallLimits,
  requireCertificateChecks,
  requireEndpoint,
} from '../../src/keys/remote/index.ts';
import { parseKeyArn } from './arn.ts';

/** How AWS KMS is reached. What is absent comes from the SDK's usual chain (environment, profile, container, instance). */
export interface AwsConnection extends CallLimits {
  /** Region; by default the one in the ARN, else the SDK's chain. */
  readonly region?: string | undefined;
  /** Another endpoint: https, or http to this machine (an emulator). */
  readonly endpoint?: string | undefined;
  /** Name of a profile of the shared configuration files. */
  readonly profile?: string | undefined;
  /** Credentials, or what provides them; the SDK's chain by default. */
  readonly credentials?: KMSClientConfig['credentials'];
  /** A client of yours, instead of region, endpoint, profile and credentials. It is not destroyed. */
  readonly client?: KMSClient | undefined;
  /** Grant tokens, for grants that are newer than KMS's own replication. */
  readonly grantTokens?: readonly string[] | undefined;
  /** ARNs of the only keys that may be used: what an alias points to, or a wrap names, must be one of them. */
  readonly allowedKeys?: readonly string[] | undefined;
}

/** Options of `awsKms`. */
export interface AwsKmsOptions extends AwsConnection {
  /** ARN of the key; or its id, alias name or alias ARN, which are resolved at once (kms:DescribeKey). */
  readonly key: string;
  /** Also open what its replicas in other regions wrapped: for multi-Region keys (`mrk-…`). */
  readonly multiRegion?: boolean | undefined;
  /** Milliseconds to wait for an on-demand rotation to become visible; 60,000 by default. */
  readonly rotationTimeoutMs?: number | undefined;
}

const CONNECTION = ['region', 'endpoint', 'profile', 'credentials', 'client', 'grantTokens', 'allowedKeys'] as const;

/** Names of {@link AwsConnection}. */
const AWS_CONNECTION: readonly string[] = [...CONNECTION, ...CALL_LIMITS];

/**
 * Checks what both kinds of keys have in common.
 *
 * @throws TypeError for unknown or contradictory options; WaxsealError `ERR_CONFIG` for an endpoint that is not safe
 */
export function checkConnection(what: string, options: AwsConnection, more: readonly string[]): void {
  refuseUnknownOptions(what, options, [...more, ...AWS_CONNECTION]);
  const { client, region, endpoint, profile, credentials, allowedKeys, grantTokens } = options;
  if (client !== undefined && [region, endpoint, profile, credentials].some((option) => option !== undefined)) {
    throw new TypeError(`${what}: region, endpoint, profile and credentials belong to the client that was given`);
  }
  requireCertificateChecks();
  if (endpoint !== undefined) requireEndpoint(endpoint, 'the endpoint');
  if (allowedKeys !== undefined) {
    if (!Array.isArray(allowedKeys)) throw new TypeError(`${what}: allowedKeys must be an array of key ARNs`);
    for (const arn of allowedKeys as unknown[]) {
      if (typeof arn !== 'string' || parseKeyArn(arn) === undefined) {
        throw new TypeError(`${what}: allowedKeys must be ARNs of keys, not ${JSON.stringify(arn)}`);
      }
    }
  }
  if (grantTokens !== undefined && !Array.isArray(grantTokens)) {
    throw new TypeError(`${what}: grantTokens must be an array`);
  }
}
