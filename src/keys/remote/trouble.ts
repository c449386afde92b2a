import type { WaxsealError } from '../../errors/index.ts';

/** A failed attempt, as the error table of a provider sees it. */
export interface Trouble {
  /** What the caller is told when nothing helps. `retryable` decides whether another attempt is made. */
  readonly error: WaxsealError;
  /** The provider is out of order (not merely refusing): counts against the circuit breaker. */
  readonly outage?: boolean | undefined;
  /** The provider did certainly nothing, so that also calls with an effect may be repeated (throttled, not connected). */
  readonly untouched?: boolean | undefined;
  /** Milliseconds that the provider asked to wait. */
  readonly retryAfterMs?: number | undefined;
}
