import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import { networkTrouble, type Trouble } from '../../src/keys/remote/index.ts';

/** What an error of AWS KMS means to us. */
interface Row {
  readonly code: ErrorCode;
  readonly says: string;
  readonly next?: string;
  readonly retryable?: boolean;
  readonly outage?: boolean;
  readonly untouched?: boolean;
}

const LOGIN =
  'check AWS_PROFILE, the access keys or the role of this machine (aws sts get-caller-identity); log in again if they expired';

const AUTHENTICATION: Row = {
  code: 'ERR_AUTHENTICATION',
  says: 'the wrap does not authenticate: wrong key, wrong object, or it was changed',
};
const THROTTLED: Row = { code: 'ERR_PROVIDER_THROTTLED', says: 'KMS throttles requests', untouched: true };
const CREDENTIALS: Row = { code: 'ERR_PROVIDER_CREDENTIALS', says: 'AWS does not accept the credentials', next: LOGIN };
const SKEWED: Row = {
  code: 'ERR_PROVIDER_CREDENTIALS',
  says: 'the clock of this machine and that of AWS differ too much',
  next: 'set the clock (NTP), then run the command again',
  // The SDK learns the difference from the refusal.
  retryable: true,
  untouched: true,
};
const DOWN: Row = { code: 'ERR_PROVIDER_UNAVAILABLE', says: 'KMS failed inside', outage: true };
const INVALID: Row = { code: 'ERR_PROVIDER_RESPONSE', says: 'KMS calls the request invalid' };
const STATE: Row = {
  code: 'ERR_KEY_DISABLED',
  says: 'the state of the key forbids this use',
  next: 'see the state with waxseal key show; aws kms enable-key (or cancel-key-deletion, then enable-key) brings it back',
};

/** By the name of the exception. @see https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html */
const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['InvalidCiphertextException', AUTHENTICATION],
  ['IncorrectKeyException', AUTHENTICATION],
  [
    'NotFoundException',
    { code: 'ERR_KEY_NOT_FOUND', says: 'KMS has no such key', next: 'check ARN, account and region' },
  ],
  ['DisabledException', { ...STATE, says: 'the key is disabled' }],
  ['KMSInvalidStateException', STATE],
  ['InvalidGrantTokenException', { code: 'ERR_KEY_DENIED', says: 'a grant token is not valid' }],
  ['InvalidArnException', { code: 'ERR_INVALID_KEY_URI', says: 'KMS does not take it for a key' }],
  [
    'InvalidKeyUsageException',
    {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      says: 'the key is not made for encryption',
      next: 'use a key with usage ENCRYPT_DECRYPT and spec SYMMETRIC_DEFAULT',
    },
  ],
  ['UnsupportedOperationException', { code: 'ERR_PROVIDER_UNSUPPORTED', says: 'KMS cannot do that with this key' }],
  [
    'LimitExceededException',
    {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      says: 'a quota of the key is used up (on-demand rotations are limited for the life of a key)',
      next: 'turn on automatic rotation, or make a new key: waxseal rewrap --from OLD --to NEW',
    },
  ],
  ['ValidationException', INVALID],
  ['KeyUnavailableException', { ...DOWN, says: 'the key is not available at the moment' }],
  ['KMSInternalException', DOWN],
  ['DependencyTimeoutException', DOWN],
  ['InternalFailure', DOWN],
  ['InternalServerError', DOWN],
  ['ServiceUnavailable', DOWN],
  ['ServiceUnavailableException', DOWN],
  ...['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded', 'SlowDown'].map(
    (name) => [name, THROTTLED] as const,
  ),
  ...['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'].map((name) => [name, SKEWED] as const),
  ...[
    'ExpiredTokenException',
    'ExpiredToken',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'IncompleteSignature',
    'IncompleteSignatureException',
    'MissingAuthenticationToken',
    'MissingAuthenticationTokenException',
    'CredentialsProviderError',
    'TokenProviderError',
    'ProviderError',
  ].map((name) => [name, CREDENTIALS] as const),
]);

const DENIED = new Set(['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'OptInRequired']);

interface AwsError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/**
 * The error table of AWS KMS.
 *
 * @param uri of the key
 * @param action IAM action of the call, such as `kms:Decrypt`
 */
export function explainAws(thrown: unknown, uri: string, action: string): Trouble {
  if (isWaxsealError(thrown)) return { error: thrown };
  const error = (thrown instanceof Error ? thrown : new TypeError(String(thrown))) as AwsError;
  if (DENIED.has(error.name)) return { error: denied(uri, action, error) };
  const row = rowOf(error);
  if (row === undefined) return networkTrouble(error, uri) ?? { error: malformed(uri, action, error) };
  const retryAfter = Number(error.$response?.headers?.['retry-after']);
  const { code, says, next, retryable, outage, untouched } = row;
  return {
    error: new WaxsealError(code, `${uri}: ${says}${detail(error, row)}`, {
      object: uri,
      next,
      retryable,
      cause: error,
    }),
    outage,
    untouched,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  };
}

function rowOf(error: AwsError): Row | undefined {
  if (error.name === 'InvalidSignatureException' && /expired|not yet current/i.test(error.message)) return SKEWED;
  const row = ROWS.get(error.name);
  if (row !== undefined) return row;
  if (/region is missing|region not accepted/i.test(error.message)) {
    const next = 'put the ARN of the key in the URI, add ?region=REGION, or set AWS_REGION';
    return { code: 'ERR_CONFIG', says: 'no region is known', next };
  }
  const status = error.$metadata?.httpStatusCode;
  if (status === 429) return THROTTLED;
  if (status !== undefined && status >= 500) return DOWN;
  return undefined;
}

/** KMS's own words where they help a person; never where they would tell wraps apart. */
function detail(error: Error, row: Row): string {
  return row === AUTHENTICATION || error.message === '' ? '' : ` (${error.message.slice(0, 300)})`;
}

function denied(uri: string, action: string, cause: Error): WaxsealError {
  return new WaxsealError('ERR_KEY_DENIED', `${uri}: these credentials may not ${action}`, {
    object: uri,
    next: `allow ${action} on this key in an IAM policy and in the key policy, or pass a grant token`,
    cause,
  });
}

function malformed(uri: string, action: string, cause: Error): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `${uri}: the answer to ${action} cannot be understood`, {
    object: uri,
    cause,
  });
}
