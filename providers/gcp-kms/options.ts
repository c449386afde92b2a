import type { KeyManagementServiceClient } from '@google-cloud/kms';
import { refuseUnknownOptions, WaxsealError } from '../../src/errors/index.ts';
import {
  CALL_LIMITS,
  type CallLimits,
  requireCertificateChecks,
  requireEndpoint,
} from '../../src/keys/remote/index.ts';

/** A service account, or another identity, as the files of Google Cloud have it. */
export interface GcpCredentials {
  /** E-mail of the service account. */
  readonly client_email: string;
  /** Its private key, PEM. */
  readonly private_key: string;
}

/** Options of `gcpKms`. What is absent comes from the Application Default Credentials. */
export interface GcpKmsOptions extends CallLimits {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K`, without a version. */
  readonly key: string;
  /** Another endpoint: https, or http to this machine (an emulator, which gets no credentials). */
  readonly endpoint?: string | undefined;
  /** Path of a credentials file (service account key, workload identity federation). */
  readonly keyFile?: string | undefined;
  /** Credentials of a service account. */
  readonly credentials?: GcpCredentials | undefined;
  /** A client of yours, instead of endpoint, keyFile and credentials. It is not closed. */
  readonly client?: KeyManagementServiceClient | undefined;
  /** Milliseconds to wait for a new version to become usable; 60,000 by default. */
  readonly rotationTimeoutMs?: number | undefined;
}

const OPTIONS = ['key', 'endpoint', 'keyFile', 'credentials', 'client', 'rotationTimeoutMs', 'signal', ...CALL_LIMITS];

/**
 * @throws TypeError and RangeError for unknown, contradictory or wrong options; WaxsealError `ERR_CONFIG` for an endpoint
 * that is not safe, or an environment that would put data keys into logs
 */
export function checkOptions(options: GcpKmsOptions): void {
  refuseUnknownOptions('gcpKms', options, OPTIONS);
  const { key, endpoint, keyFile, credentials, client, rotationTimeoutMs = 0 } = options;
  if (typeof key !== 'string') throw new TypeError('gcpKms: key must be a text');
  if (client !== undefined && [endpoint, keyFile, credentials].some((option) => option !== undefined)) {
    throw new TypeError('gcpKms: endpoint, keyFile and credentials belong to the client that was given');
  }
  if (keyFile !== undefined && credentials !== undefined) {
    throw new TypeError('gcpKms: keyFile and credentials exclude each other');
  }
  if (!Number.isSafeInteger(rotationTimeoutMs) || rotationTimeoutMs < 0) {
    throw new RangeError('gcpKms: rotationTimeoutMs must be a number of milliseconds');
  }
  if (endpoint !== undefined) requireEndpoint(endpoint, 'the endpoint');
  requireCertificateChecks();
  refuseLogging();
}

/** The SDK's own logging writes whole requests and answers: the plaintext of Encrypt and Decrypt is a data key. */
function refuseLogging(): void {
  const logging = process.env['GOOGLE_SDK_NODE_LOGGING'];
  if (logging === undefined || logging === '') return;
  throw new WaxsealError('ERR_CONFIG', 'GOOGLE_SDK_NODE_LOGGING is set: the SDK would write data keys into its log', {
    object: 'GOOGLE_SDK_NODE_LOGGING',
    next: 'unset GOOGLE_SDK_NODE_LOGGING for processes that use keys',
  });
}
