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
  const [name] = /CKR_[A-Z0-9_]+/.exec(error.message) ?? [];
  const { method } = error as { readonly method?: unknown };
  const call = typeof method === 'string' ? method : undefined;
  return { kind: name ?? error.name, message: error.message, call };
}

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
]);

/** Whether it says that the object is gone. */
export function lostObject(error: unknown): boolean {
  return ['CKR_KEY_HANDLE_INVALID', 'CKR_OBJECT_HANDLE_INVALID'].includes(failureOf(error).kind);
}
