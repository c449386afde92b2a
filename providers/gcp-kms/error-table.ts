import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import { networkTrouble, type Trouble } from '../../src/keys/remote/index.ts';

/** Codes of gRPC. @see https://grpc.io/docs/guides/status-codes/ */
const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The permission that a call takes. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  Encrypt: 'cloudkms.cryptoKeyVersions.useToEncrypt',
  Decrypt: 'cloudkms.cryptoKeyVersions.useToDecrypt',
  GetCryptoKey: 'cloudkms.cryptoKeys.get',
  ListCryptoKeyVersions: 'cloudkms.cryptoKeyVersions.list',
  GetCryptoKeyVersion: 'cloudkms.cryptoKeyVersions.get',
  CreateCryptoKeyVersion: 'cloudkms.cryptoKeyVersions.create',
  UpdateCryptoKeyPrimaryVersion: 'cloudkms.cryptoKeys.update',
  UpdateCryptoKeyVersion: 'cloudkms.cryptoKeyVersions.update',
};

const LOGIN =
  'run gcloud auth application-default login, or check GOOGLE_APPLICATION_CREDENTIALS or the service account of this machine';

/** What the credentials library says where it finds none, or where they are no good any more. */
const NO_CREDENTIALS =
  /default credentials|metadata from plugin|refresh access token|invalid_grant|unable to detect a project|could not load|ENOENT.*credential|no refresh token|does not exist, or it is not a file/i;

interface GoogleError extends Error {
  readonly code?: number | string;
  readonly details?: string;
}

/**
 * The error table of Cloud KMS.
 *
 * @param uri of the key
 * @param call name of the call, such as `Decrypt`
 */
export function explainGcp(thrown: unknown, uri: string, call: string): Trouble {
  if (isWaxsealError(thrown)) {
    // An answer that was damaged on the way may be whole the next time.
    return { error: thrown, outage: false };
  }
  const error = (thrown instanceof Error ? thrown : new TypeError(String(thrown))) as GoogleError;
  const fail = (code: ErrorCode, says: string, more: { next?: string; retryable?: boolean } = {}): WaxsealError =>
    new WaxsealError(code, `${uri}: ${says}`, { object: uri, cause: error, ...more });
  const details = (error.details ?? error.message).slice(0, 300);
  if (NO_CREDENTIALS.test(details) || error.code === STATUS.unauthenticated) {
    return {
      error: fail('ERR_PROVIDER_CREDENTIALS', `Google Cloud does not accept the credentials (${details})`, {
        next: LOGIN,
      }),
    };
  }
  switch (typeof error.code === 'number' ? error.code : -1) {
    case STATUS.invalidArgument:
      if (call === 'Decrypt') return { error: fail('ERR_AUTHENTICATION', NOT_OURS) };
      return { error: fail('ERR_PROVIDER_RESPONSE', `Cloud KMS calls the request invalid (${details})`) };
    case STATUS.notFound:
      return {
        error: fail('ERR_KEY_NOT_FOUND', 'Cloud KMS has no such key', {
          next: 'check project, location, key ring and key',
        }),
      };
    case STATUS.permissionDenied:
      return { error: denied(fail, call, details) };
    case STATUS.failedPrecondition:
      return {
        error: fail('ERR_KEY_DISABLED', `the state of the key forbids this use (${details})`, { next: stateNext(uri) }),
      };
    case STATUS.resourceExhausted:
      return { error: fail('ERR_PROVIDER_THROTTLED', `Cloud KMS throttles requests (${details})`), untouched: true };
    case STATUS.unimplemented:
    case STATUS.outOfRange:
      return { error: fail('ERR_PROVIDER_UNSUPPORTED', `Cloud KMS cannot do that with this key (${details})`) };
    case STATUS.unavailable:
    case STATUS.internal:
    case STATUS.unknown:
    case STATUS.aborted:
    case STATUS.cancelled:
    case STATUS.deadlineExceeded:
      return {
        error: fail('ERR_PROVIDER_UNAVAILABLE', `Cloud KMS failed or cannot be reached (${details})`),
        outage: true,
        // No connection was made at all.
        untouched: error.code === STATUS.unavailable && /ECONNREFUSED|ENOTFOUND|name resolution/i.test(details),
      };
    default:
      return (
        networkTrouble(error, uri) ?? {
          error: fail('ERR_PROVIDER_RESPONSE', `the answer to ${call} cannot be understood`),
        }
      );
  }
}

/** The same words for a wrong key, a wrong object and a changed wrap. */
const NOT_OURS = 'the wrap does not authenticate: wrong key, wrong object, or it was changed';

export function notOurs(uri: string): WaxsealError {
  return new WaxsealError('ERR_AUTHENTICATION', `${uri}: ${NOT_OURS}`, { object: uri });
}

type Fail = (code: ErrorCode, says: string, more?: { next?: string }) => WaxsealError;

function denied(fail: Fail, call: string, details: string): WaxsealError {
  if (/billing|has not been used|is disabled.*api|api.*is disabled/i.test(details)) {
    const next = 'enable the Cloud KMS API and billing of the project: gcloud services enable cloudkms.googleapis.com';
    return fail('ERR_KEY_DENIED', `the project cannot use Cloud KMS (${details})`, { next });
  }
  const permission = PERMISSIONS[call] ?? call;
  const next = `grant ${permission} on this key: waxseal key policy KEY --role ROLE prints what that takes`;
  return fail('ERR_KEY_DENIED', `these credentials have no ${permission}`, { next });
}

function stateNext(uri: string): string {
  const [, location = 'LOCATION', ring = 'RING', key = 'KEY'] =
    /locations\/([^/]+)\/keyRings\/([^/]+)\/cryptoKeys\/(.+)$/.exec(uri) ?? [];
  const where = `--key ${key} --keyring ${ring} --location ${location}`;
  return `see the states with waxseal key show; gcloud kms keys versions enable VERSION ${where} brings a disabled version back, restore one that is scheduled for destruction (then enable it)`;
}
