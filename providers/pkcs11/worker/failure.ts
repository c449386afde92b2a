import type { FailureMessage } from '../protocol.ts';

/** A request that failed for a reason of ours, not of the library. */
export class Failure extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** An error of the library has its CKR_… name as message and the call that gave it as `method`. */
export function failureOf(error: unknown): FailureMessage {
  if (error instanceof Failure) return { kind: error.kind, message: error.message };
  if (!(error instanceof Error)) return { kind: 'UNKNOWN', message: String(error) };
  const [, name, number] = /(CKR_[A-Z0-9_]+)(?::(\d+))?/.exec(error.message) ?? [];
  const newer = name === 'CKR_VENDOR_DEFINED' ? NEWER.get(Number(number)) : undefined;
  if (newer !== undefined) return { kind: newer, message: newer };
  const { method } = error as { readonly method?: unknown };
  const call = typeof method === 'string' ? method : undefined;
  return { kind: name ?? error.name, message: error.message, call };
}

/** Codes of PKCS#11 that the binding does not know, and takes for a vendor's. */
const NEWER: ReadonlyMap<number, string> = new Map([
  [0x1b, 'CKR_ACTION_PROHIBITED'],
  [0x42, 'CKR_AEAD_DECRYPT_FAILED'],
  [0x201, 'CKR_TOKEN_RESOURCE_EXCEEDED'],
]);

/** Whether an error of the library says that a session or the login is gone. */
export function lostSession(error: unknown): boolean {
  return LOST.has(failureOf(error).kind);
}

const LOST = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_DEVICE_REMOVED',
  // A call before did not end its operation, so that the session is of no use.
  'CKR_OPERATION_ACTIVE',
]);

/** Whether the session was lost before the library did anything. */
export function lostBefore(error: unknown): boolean {
  return ['CKR_SESSION_HANDLE_INVALID', 'CKR_USER_NOT_LOGGED_IN'].includes(failureOf(error).kind);
}

/** Whether it says that the object is gone. */
export function lostObject(error: unknown): boolean {
  return LOST_OBJECT.has(failureOf(error).kind);
}

const LOST_OBJECT = new Set([
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_WRAPPING_KEY_HANDLE_INVALID',
  'CKR_UNWRAPPING_KEY_HANDLE_INVALID',
]);
