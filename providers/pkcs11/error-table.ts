import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { EdgeCall, Trouble } from '../../src/keys/remote/index.ts';
import { HsmFailure } from './hsm.ts';

/** The package that binds PKCS#11, and the versions that work. */
const PACKAGE = 'graphene-pk11';
const PACKAGE_RANGE = '^2.3.6';

/** A call to a token, as far as its errors depend on it. */
export interface HsmCall extends EdgeCall {
  /** It opens a wrap: tokens do not say clearly why they do not. */
  readonly opens?: boolean | undefined;
  /** The flag of the key that it takes. */
  readonly needs?: string | undefined;
}

interface Row {
  readonly code: ErrorCode;
  readonly says: string;
  readonly next?: string;
  readonly outage?: boolean;
  /** Only a person can help. */
  readonly retryable?: false;
}

const PIN: Row = {
  code: 'ERR_PROVIDER_CREDENTIALS',
  says: 'the token does not take the PIN, which is not tried again: tokens lock themselves after a few wrong ones',
  next: 'check the PIN (pinFile, pin-source in the URI, WAXSEAL_PKCS11_PIN); a locked one is reset by the security officer (C_InitPIN)',
};
const GONE: Row = {
  code: 'ERR_PROVIDER_UNAVAILABLE',
  says: 'the token does not work',
  next: 'see with pkcs11-tool --test --login whether the token works, then try again',
  outage: true,
};
const UNABLE: Row = {
  code: 'ERR_PROVIDER_UNSUPPORTED',
  says: 'the token cannot do that',
  next: 'see with pkcs11-tool --list-mechanisms what it can do, and choose another mechanism',
};
const DENIED: Row = { code: 'ERR_KEY_DENIED', says: 'the token does not permit this use of the key' };
const READ_ONLY: Row = {
  code: 'ERR_KEY_DENIED',
  says: 'the token is write-protected',
  next: 'let somebody who may write to the token do this',
};
const BUSY: Row = {
  code: 'ERR_PROVIDER_THROTTLED',
  says: 'the token has no room for more sessions',
  next: 'lower the option sessions, or end other programs that use the token',
};
const UNFIT: Row = {
  code: 'ERR_PROVIDER_RESPONSE',
  says: 'the token holds keys that cannot be versions of one key',
};

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  [
    'PACKAGE',
    {
      code: 'ERR_PROVIDER_MISSING',
      says: `the package ${PACKAGE} cannot be loaded`,
      next: `npm install ${PACKAGE}@${PACKAGE_RANGE} (it is compiled on installation, so its scripts must be allowed)`,
    },
  ],
  [
    'LIBRARY',
    {
      code: 'ERR_PROVIDER_MISSING',
      says: 'the PKCS#11 library cannot be loaded',
      next: 'check the path of the library (option library, or module-path in the URI)',
    },
  ],
  [
    'START',
    {
      ...GONE,
      says: 'the PKCS#11 library does not start (C_Initialize)',
      next: 'check what it is configured with (such as SOFTHSM2_CONF, or libraryParameters), and its device',
    },
  ],
  [
    'TOKEN',
    { code: 'ERR_KEY_NOT_FOUND', says: 'the token is not there', next: 'see the tokens with pkcs11-tool --list-slots' },
  ],
  [
    'KEY',
    {
      code: 'ERR_KEY_NOT_FOUND',
      says: 'the token does not have this version of the key',
      next: 'see its keys with pkcs11-tool --login --list-objects; bring the version back from a backup of the token',
    },
  ],
  ['TWINS', { ...UNFIT, next: 'give each key a CKA_ID of its own (pkcs11-tool --set-id), or another label' }],
  ['ID', { ...UNFIT, next: 'give the key a CKA_ID (pkcs11-tool --set-id), which tells its versions apart' }],
  ['MODULUS', { ...UNFIT, next: 'remove the public key that does not belong to the private one' }],
  [
    'EXPOSED',
    {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      says: 'the key is not private: without the PIN anybody who reaches the token can use it, or put another beside it',
      next: 'make a private copy of it (CKA_PRIVATE; pkcs11-tool --keygen takes --private --sensitive), or another key',
    },
  ],
  [
    'FLAG',
    {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      says: 'the token does not let the flags of the key change',
      next: 'only keys with CKA_MODIFIABLE can be disabled; else take the permission away where the HSM is managed',
    },
  ],
  ['PIN', PIN],
  ['CKR_USER_NOT_LOGGED_IN', { ...PIN, says: 'the token wants a PIN, and none was given' }],
  [
    'RELEASED',
    {
      code: 'ERR_PROVIDER_UNAVAILABLE',
      says: 'the token is not in use any longer',
      next: 'open the key again',
      retryable: false,
    },
  ],
  ['HANGS', { ...GONE, says: 'the token hangs' }],
  ['WORKER', GONE],
  ['MECHANISM', UNABLE],
  ['CKR_MECHANISM_INVALID', UNABLE],
  ['CKR_MECHANISM_PARAM_INVALID', UNABLE],
  ['CKR_ARGUMENTS_BAD', UNABLE],
  ['CKR_FUNCTION_NOT_SUPPORTED', UNABLE],
  ['CKR_KEY_SIZE_RANGE', UNABLE],
  ['CKR_ATTRIBUTE_TYPE_INVALID', UNABLE],
  ['CKR_ATTRIBUTE_VALUE_INVALID', UNABLE],
  ['CKR_TEMPLATE_INCOMPLETE', UNABLE],
  ['CKR_KEY_FUNCTION_NOT_PERMITTED', DENIED],
  ['CKR_TEMPLATE_INCONSISTENT', DENIED],
  ['CKR_ATTRIBUTE_SENSITIVE', DENIED],
  ['CKR_KEY_UNEXTRACTABLE', DENIED],
  ['CKR_KEY_NOT_WRAPPABLE', DENIED],
  ['CKR_KEY_TYPE_INCONSISTENT', DENIED],
  ['CKR_WRAPPING_KEY_TYPE_INCONSISTENT', DENIED],
  ['CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT', DENIED],
  ['CKR_ACTION_PROHIBITED', DENIED],
  ['CKR_FUNCTION_REJECTED', DENIED],
  ['CKR_SESSION_COUNT', BUSY],
  ['CKR_TOKEN_RESOURCE_EXCEEDED', BUSY],
  ['CKR_TOKEN_WRITE_PROTECTED', READ_ONLY],
  ['CKR_SESSION_READ_ONLY', READ_ONLY],
]);

/** What tokens say of a wrap that does not open. SoftHSM calls a wrong tag a general error. */
const NOT_AUTHENTIC = new Set([
  'CKR_GENERAL_ERROR',
  'CKR_FUNCTION_FAILED',
  'CKR_ENCRYPTED_DATA_INVALID',
  'CKR_ENCRYPTED_DATA_LEN_RANGE',
  'CKR_DATA_INVALID',
  'CKR_DATA_LEN_RANGE',
  'CKR_WRAPPED_KEY_INVALID',
  'CKR_WRAPPED_KEY_LEN_RANGE',
  'CKR_AEAD_DECRYPT_FAILED',
]);

/** Whether a failed unwrap may mean a bad wrap. */
export function mayMeanBadWrap(error: unknown): boolean {
  return error instanceof HsmFailure && NOT_AUTHENTIC.has(error.failure.kind);
}

/** Whether the flags of the key forbid a use. */
export function isRefused(error: unknown): boolean {
  return error instanceof HsmFailure && ROWS.get(error.failure.kind) === DENIED;
}

/** The error table of PKCS#11. A bad wrap is no outage, and is not tried again. */
export function explainHsm(thrown: unknown, uri: string, { opens, needs }: HsmCall): Trouble {
  if (isWaxsealError(thrown)) return { error: thrown };
  if (!(thrown instanceof HsmFailure)) return { error: notUnderstood(uri, thrown) };
  if (opens === true && mayMeanBadWrap(thrown)) return { error: notAuthentic(uri, thrown) };
  const { kind, message, call } = thrown.failure;
  const row = ROWS.get(kind) ?? (kind.startsWith('CKR_') ? GONE : undefined);
  if (row === undefined) return { error: notUnderstood(uri, thrown) };
  const where = call === undefined || call === '' ? '' : ` at ${call}`;
  const next = row === DENIED && needs !== undefined ? `the key needs ${needs}` : row.next;
  const error = new WaxsealError(row.code, `${uri}: ${row.says} (${message}${where})`, {
    object: uri,
    next,
    retryable: row.retryable,
    cause: thrown,
  });
  return { error, outage: row.outage, untouched: row === BUSY };
}

function notUnderstood(uri: string, cause: unknown): WaxsealError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `${uri}: the answer of the token cannot be understood (${why})`, {
    object: uri,
    cause,
  });
}

/** A wrong key, a changed wrap and a wrong binding look the same. */
export function notAuthentic(uri: string, cause?: unknown): WaxsealError {
  return new WaxsealError(
    'ERR_AUTHENTICATION',
    `${uri}: the wrap does not authenticate: wrong key, wrong object, or it was changed`,
    { object: uri, cause },
  );
}
