import { ERROR_CODES, type ErrorCode } from './codes.ts';

/** What a {@link WaxsealError} is made of, beside its code and message. */
export interface WaxsealErrorDetails {
  /** The object, file or key that it happened to, as a person would name it. */
  readonly object?: string | undefined;
  /** What to do next; the code's own advice when absent. */
  readonly next?: string | undefined;
  /** Whether trying again may help; the code's own answer when absent. */
  readonly retryable?: boolean | undefined;
  /** With `ERR_RANGE_NOT_SATISFIABLE`: the plaintext bytes that the object has. */
  readonly size?: number | undefined;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/**
 * The one error class of Waxseal. Branch on `code`, never on the message.
 *
 * Messages never hold key bytes, plaintext or tokens. A wrong key, a bad tag and a swapped segment look the same
 * (`ERR_AUTHENTICATION`), so that an error tells an attacker nothing. Misuse of the API (a wrong type, an unknown
 * option) is a `TypeError` or `RangeError` instead, and an aborted call rejects with its signal's reason.
 */
export class WaxsealError extends Error {
  /** Always `WaxsealError`. */
  override readonly name = 'WaxsealError';
  /** What happened, as one of {@link ERROR_CODES}. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  /** The object, file or key that it happened to, as a person would name it. */
  readonly object: string | undefined;
  /** With `ERR_RANGE_NOT_SATISFIABLE`: the plaintext bytes that the object has, which an HTTP server says beside 416. */
  readonly size: number | undefined;
  /** What to do next. */
  readonly next: string;

  constructor(code: ErrorCode, message: string, details: WaxsealErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? ERROR_CODES[code].retryable;
    this.object = details.object;
    this.size = details.size;
    this.next = details.next ?? ERROR_CODES[code].next;
  }
}

/** Whether `error` is a {@link WaxsealError}, optionally one with the given code. */
export function isWaxsealError(error: unknown, code?: ErrorCode): error is WaxsealError {
  return error instanceof WaxsealError && (code === undefined || error.code === code);
}
