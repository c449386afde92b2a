import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { Trouble } from '../../src/keys/remote/index.ts';
import { HsmFailure } from './hsm.ts';

/** The package that binds PKCS#11, and the versions that work. */
export const PACKAGE = 'graphene-pk11';
export const PACKAGE_RANGE = '^2.3.6';

interface Row {
  readonly code: ErrorCode;
  readonly says: string;
  readonly next?: string;
  readonly outage?: boolean;
}

const PIN: Row = {
  code: 'ERR_PROVIDER_CREDENTIALS',
  says: 'the token does not take the PIN, which is not tried again: tokens lock themselves after a few wrong ones',
  next: 'check the PIN (pinFile, WAXSEAL_PKCS11_PIN, pin-source in the URI); a locked one is reset by the security officer',
};
const GONE: Row = { code: 'ERR_PROVIDER_UNAVAILABLE', says: 'the token does not work', outage: true };
const UNABLE: Row = { code: 'ERR_PROVIDER_UNSUPPORTED', says: 'the token cannot do that with this mechanism' };
const DENIED: Row = { code: 'ERR_KEY_DENIED', says: 'the token does not permit this use of the key' };

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  [
    'PACKAGE',
    {
      code: 'ERR_PROVIDER_MISSING',
      says: `the package ${PACKAGE} is not installed`,
      next: `npm install ${PACKAGE}@${PACKAGE_RANGE} (it is compiled on installation)`,
    },
  ],
  [
    'LIBRARY',
    {
      code: 'ERR_PROVIDER_MISSING',
      says: 'the PKCS#11 library cannot be loaded',
      next: 'check the path of the library (option library, or module-path in the URI) and its own configuration',
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
      says: 'the key does not exist in the token',
      next: 'see its keys with pkcs11-tool --login --list-objects',
    },
  ],
  [
    'TWINS',
    {
      code: 'ERR_PROVIDER_RESPONSE',
      says: 'keys of the token cannot be told apart',
      next: 'give each its own CKA_ID, or another label',
    },
  ],
  ['MECHANISM', UNABLE],
  ['WORKER', GONE],
  ['CKR_KEY_FUNCTION_NOT_PERMITTED', DENIED],
  ['CKR_TEMPLATE_INCONSISTENT', DENIED],
  ['CKR_ATTRIBUTE_SENSITIVE', DENIED],
  ['CKR_KEY_UNEXTRACTABLE', DENIED],
  ['CKR_ACTION_PROHIBITED', DENIED],
  ['CKR_TOKEN_WRITE_PROTECTED', { ...DENIED, says: 'the token is write-protected' }],
  [
    'CKR_ATTRIBUTE_READ_ONLY',
    { ...UNABLE, says: 'the token does not let the flags of the key change (CKA_MODIFIABLE)' },
  ],
  ['CKR_MECHANISM_INVALID', UNABLE],
  ['CKR_MECHANISM_PARAM_INVALID', UNABLE],
  ['CKR_ARGUMENTS_BAD', UNABLE],
  ['CKR_FUNCTION_NOT_SUPPORTED', UNABLE],
  ['CKR_KEY_TYPE_INCONSISTENT', DENIED],
  ['PIN', PIN],
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
  'CKR_SIGNATURE_INVALID',
]);

/** Whether a failed unwrap may mean a bad wrap. */
export function mayMeanBadWrap(error: unknown): boolean {
  return error instanceof HsmFailure && NOT_AUTHENTIC.has(error.failure.kind);
}

/** Whether the flags of the key forbid a use. */
export function isRefused(error: unknown): boolean {
  return error instanceof HsmFailure && ROWS.get(error.failure.kind) === DENIED;
}

/** The error table of PKCS#11. */
export function explainHsm(thrown: unknown, uri: string): Trouble {
  if (isWaxsealError(thrown)) return { error: thrown };
  if (!(thrown instanceof HsmFailure)) {
    const error = new WaxsealError('ERR_PROVIDER_RESPONSE', `${uri}: the answer of the token cannot be understood`, {
      object: uri,
      cause: thrown,
    });
    return { error };
  }
  const { kind, message, call } = thrown.failure;
  const row = ROWS.get(kind) ?? (kind.startsWith('CKR_PIN') || kind.startsWith('CKR_USER_PIN') ? PIN : GONE);
  const where = call === undefined || call === '' ? '' : ` at ${call}`;
  const { code, says, next, outage } = row;
  return {
    error: new WaxsealError(code, `${uri}: ${says} (${message}${where})`, { object: uri, next, cause: thrown }),
    outage,
  };
}

/** A wrong key, a changed wrap and a wrong binding look the same. */
export function notAuthentic(uri: string): WaxsealError {
  return new WaxsealError(
    'ERR_AUTHENTICATION',
    `${uri}: the wrap does not authenticate: wrong key, wrong object, or it was changed`,
    { object: uri },
  );
}
