import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  DelegateBackoff,
  ExponentialBackoff,
  fullJitterGenerator,
  handleWhen,
  type IRetryBackoffContext,
  retry,
} from 'cockatiel';
import pThrottle from 'p-throttle';
import { WaxsealError } from '../../errors/index.ts';
import type { CallOptions } from '../provider.ts';
import { type CallLimits, type ResolvedLimits, resolveLimits } from './call-limits.ts';
import type { Trouble } from './trouble.ts';

/** How a call may be repeated. */
export interface EdgeCall extends CallOptions {
  /** Name of the call, for messages. */
  readonly name: string;
  /** The call has an effect that a repetition would double (a rotation): only repeated where it did certainly nothing. */
  readonly once?: boolean | undefined;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
/**
 * A budget of n in a second is handed out in small portions, evenly: the server must not see more either, whose second
 * begins when it likes and whose requests were delayed on their way. A tenth is kept back for that.
 */
const PORTIONS = 50;
const KEPT_BACK = 1.1;

/**
 * What stands between an adapter and its server: deadline, timeout of each attempt, full-jitter retry of what may pass,
 * circuit breaker, and rate budget. One for each key.
 */
export class Edge {
  readonly #uri: string;
  readonly #limits: ResolvedLimits;
  readonly #explain: (error: unknown, call: EdgeCall) => Trouble;
  readonly #breaker: ReturnType<typeof circuitBreaker>;
  readonly #budget: () => Promise<void>;

  /**
   * @param uri of the key, for messages
   * @param explain the error table of the provider: what an attempt threw, in our terms
   */
  constructor(uri: string, limits: CallLimits, explain: (error: unknown, call: EdgeCall) => Trouble) {
    this.#uri = uri;
    this.#limits = resolveLimits(limits);
    this.#explain = explain;
    const { breakerFailures, breakerResetMs, requestsPerSecond } = this.#limits;
    this.#breaker = circuitBreaker(
      handleWhen((error) => error instanceof Failed && error.trouble.outage === true),
      { halfOpenAfter: breakerResetMs, breaker: new ConsecutiveBreaker(breakerFailures) },
    );
    this.#budget = requestsPerSecond === undefined ? () => Promise.resolve() : budgetOf(requestsPerSecond);
  }

  /**
   * Makes a call.
   *
   * @param attempt one attempt; its signal ends it at its timeout, at the deadline and when the caller gives up
   * @throws the caller's reason when its signal is aborted; WaxsealError otherwise
   */
  async call<T>(call: EdgeCall, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal: caller } = call;
    caller?.throwIfAborted();
    using timer = new Timer(this.#limits.deadlineMs);
    const { signal: deadline } = timer;
    const over = caller === undefined ? deadline : AbortSignal.any([caller, deadline]);
    let last: WaxsealError | undefined;
    const policy = retry(
      handleWhen((error) => error instanceof Failed && mayRepeat(error.trouble, call)),
      { maxAttempts: this.#limits.maxAttempts - 1, backoff: BACKOFF },
      // A call that was given up must not hold the process until its next attempt; the deadline's timer holds the others.
    ).dangerouslyUnref();
    try {
      return await ended(
        policy.execute(() => {
          over.throwIfAborted();
          return this.#breaker.execute(() => this.#attempt(call, attempt, over, (error) => (last = error)));
        }),
        over,
      );
    } catch (error) {
      if (caller?.aborted === true) throw caller.reason;
      if (error instanceof Failed) throw this.#unknown(call, error.trouble);
      if (error instanceof BrokenCircuitError) throw this.#notTried(call, last);
      if (deadline.aborted) throw this.#unknown(call, { error: this.#late(call, last) });
      throw error;
    }
  }

  async #attempt<T>(
    call: EdgeCall,
    attempt: (signal: AbortSignal) => Promise<T>,
    over: AbortSignal,
    failed: (error: WaxsealError) => void,
  ): Promise<T> {
    await ended(this.#budget(), over);
    using timer = new Timer(this.#limits.attemptTimeoutMs);
    const { signal: timeout } = timer;
    const signal = AbortSignal.any([over, timeout]);
    try {
      return await ended(attempt(signal), signal);
    } catch (error) {
      if (over.aborted) throw error;
      const trouble = timeout.aborted ? this.#slow(error) : this.#explain(error, call);
      failed(trouble.error);
      throw new Failed(trouble);
    }
  }

  /** A call with an effect whose answer did not come: it may have been done. */
  #unknown({ name, once }: EdgeCall, { error, untouched }: Trouble): WaxsealError {
    if (once !== true || untouched === true || !error.retryable) return error;
    return new WaxsealError(error.code, `${error.message}; whether ${name} was done is not known`, {
      object: this.#uri,
      next: `look with waxseal key show before you do it again; ${error.next}`,
      retryable: false,
      cause: error,
    });
  }

  #slow(cause: unknown): Trouble {
    const seconds = String(this.#limits.attemptTimeoutMs / 1000);
    const error = new WaxsealError('ERR_PROVIDER_UNAVAILABLE', `${this.#uri} did not answer within ${seconds} s`, {
      object: this.#uri,
      cause,
    });
    return { error, outage: true };
  }

  #late({ name }: EdgeCall, last: WaxsealError | undefined): WaxsealError {
    const seconds = String(this.#limits.deadlineMs / 1000);
    const why = last === undefined ? '' : `; the last attempt failed: ${last.message}`;
    return new WaxsealError(
      last?.code ?? 'ERR_PROVIDER_UNAVAILABLE',
      `${name} of ${this.#uri} was not done within the deadline of ${seconds} s${why}`,
      { object: this.#uri, cause: last, next: last?.next },
    );
  }

  #notTried({ name }: EdgeCall, last: WaxsealError | undefined): WaxsealError {
    const { breakerFailures, breakerResetMs } = this.#limits;
    const why = last === undefined ? '' : `: ${last.message}`;
    return new WaxsealError(
      'ERR_PROVIDER_UNAVAILABLE',
      `${name} of ${this.#uri} is not tried for a while: ${String(breakerFailures)} attempts in a row failed${why}`,
      {
        object: this.#uri,
        cause: last,
        next: `wait ${String(breakerResetMs / 1000)} s, then check network and endpoint`,
      },
    );
  }
}

/** Resolves when the next request may begin. */
function budgetOf(requestsPerSecond: number): () => Promise<void> {
  const limit = Math.ceil(requestsPerSecond / PORTIONS);
  const interval = ((limit * 1_000) / requestsPerSecond) * KEPT_BACK;
  return pThrottle({ limit, interval, strict: true })(() => Promise.resolve());
}

/** Aborts after a time. Unlike `AbortSignal.timeout` it keeps the process alive: somebody waits for the answer. */
class Timer implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#timer = setTimeout(() => {
      controller.abort(new DOMException('time is up', 'TimeoutError'));
    }, ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** An attempt that failed, on its way through the policies. */
class Failed extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.error.message);
    this.trouble = trouble;
  }
}

function mayRepeat({ error, untouched }: Trouble, { once }: EdgeCall): boolean {
  return error.retryable && (once !== true || untouched === true);
}

/** Full jitter (fresh for every call), but never less than what the provider asked for. */
const BACKOFF = {
  next(context: IRetryBackoffContext<unknown>) {
    const jitter = new ExponentialBackoff({
      generator: fullJitterGenerator,
      initialDelay: FIRST_DELAY_MS,
      maxDelay: MAX_DELAY_MS,
    });
    const asked = new DelegateBackoff(({ result }: IRetryBackoffContext<unknown>) =>
      'error' in result && result.error instanceof Failed ? (result.error.trouble.retryAfterMs ?? 0) : 0,
    );
    return longer(jitter.next(), asked.next(context), asked);
  },
};

interface Delay {
  readonly duration: number;
  next(context: IRetryBackoffContext<unknown>): Delay;
}

function longer(jitter: Delay, wait: Delay, asked: DelegateBackoff<IRetryBackoffContext<unknown>>): Delay {
  return {
    duration: Math.max(jitter.duration, wait.duration),
    next: (context) => longer(jitter.next(context), asked.next(context), asked),
  };
}

/** The work, or the reason of the signal as soon as it is aborted, also where the work does not listen. */
async function ended<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => undefined);
    throw signal.reason;
  }
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
