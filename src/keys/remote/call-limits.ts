/** How calls to a remote key are limited and repeated. Times are in milliseconds. */
export interface CallLimits {
  /** A whole call with all its attempts; 30,000 by default. */
  readonly deadlineMs?: number | undefined;
  /** One attempt; 10,000 by default. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Attempts of one call, the first included; 4 by default. Only retryable errors are tried again. */
  readonly maxAttempts?: number | undefined;
  /**
   * Rate budget: attempts within any second, over all calls to this key from this process. They are spread evenly, and a
   * tenth of the budget is kept back, so that it holds at the server, too. Unlimited by default.
   */
  readonly requestsPerSecond?: number | undefined;
  /** Circuit breaker: after so many failures in a row no more attempts are made for a while; 8 by default. */
  readonly breakerFailures?: number | undefined;
  /** Circuit breaker: how long that while is; 5,000 by default. */
  readonly breakerResetMs?: number | undefined;
}

/** Names of {@link CallLimits}, for the check of unknown options. */
export const CALL_LIMITS = [
  'deadlineMs',
  'attemptTimeoutMs',
  'maxAttempts',
  'requestsPerSecond',
  'breakerFailures',
  'breakerResetMs',
] as const;

/** {@link CallLimits} with its defaults. */
export interface ResolvedLimits {
  readonly deadlineMs: number;
  readonly attemptTimeoutMs: number;
  readonly maxAttempts: number;
  readonly breakerFailures: number;
  readonly breakerResetMs: number;
  readonly requestsPerSecond?: number;
}

const DEFAULTS: ResolvedLimits = {
  deadlineMs: 30_000,
  attemptTimeoutMs: 10_000,
  maxAttempts: 4,
  breakerFailures: 8,
  breakerResetMs: 5_000,
};

/** Longest delay that timers take. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Fills in what is absent.
 *
 * @throws RangeError for what is not a positive whole number
 */
export function resolveLimits(limits: CallLimits): ResolvedLimits {
  const out: Record<string, number | undefined> = { ...DEFAULTS };
  for (const name of CALL_LIMITS) {
    const value: unknown = limits[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > MAX_MS) {
      throw new RangeError(`${name} must be a whole number from 1 to ${String(MAX_MS)}`);
    }
    out[name] = value;
  }
  return out as unknown as ResolvedLimits;
}
