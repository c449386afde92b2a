import { sha256 } from '../../crypto/hash.ts';
import { isWaxsealError, type ErrorCode, WaxsealError } from '../../errors/index.ts';
import type { CallOptions, KeyProvider, UnwrappedSecret, WrappedSecret } from '../provider.ts';
import { SingleFlight } from './single-flight.ts';

/** What says that a key cannot be used now, whatever it is asked; other errors are about a wrap. */
const TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_PROVIDER_THROTTLED',
  'ERR_PROVIDER_CREDENTIALS',
  'ERR_PROVIDER_RESPONSE',
  'ERR_KEY_DENIED',
  'ERR_KEY_DISABLED',
]);

/** What is remembered of a key. */
export interface Health {
  /** Why it failed last; undefined when it works. */
  trouble: WaxsealError | undefined;
  /** When it is tried first again, by the monotonic clock. */
  nextTrial: number;
  /** Whether it failed by being slow. */
  slow: boolean;
}

/** How long a key may take, and how long a failure is remembered; milliseconds. */
export interface Patience {
  readonly slowMs: number;
  readonly recoverMs: number;
}

/** A key whose health is remembered, shared between all views of it. */
export class WatchedKey {
  readonly key: KeyProvider;
  readonly health: Health = { trouble: undefined, nextTrial: 0, slow: false };
  /** The view that gives up after a while, because others may be faster. */
  readonly bounded: KeyProvider;
  /** The view that waits as long as the key itself does. */
  readonly patient: KeyProvider;
  /** The view that waits, and only where the first one gave up because it took too long. */
  readonly second: KeyProvider;
  readonly recoverMs: number;
  readonly #patience: Patience;
  readonly #flights = new SingleFlight();

  constructor(key: KeyProvider, patience: Patience) {
    this.key = key;
    this.recoverMs = patience.recoverMs;
    this.#patience = patience;
    this.bounded = this.#view((wrapped, binding, options) => this.#inTime(wrapped, binding, options));
    this.patient = this.#view((wrapped, binding, options) => this.#unwrap(wrapped, binding, options));
    this.second = this.#view((wrapped, binding, options) => this.#unwrap(wrapped, binding, options));
    const isSlow = (): boolean => this.health.slow && this.health.trouble !== undefined && key.canUnwrap !== false;
    Object.defineProperty(this.second, 'canUnwrap', { get: isSlow });
  }

  async #unwrap(wrapped: WrappedSecret, binding: Uint8Array, { signal }: CallOptions = {}): Promise<UnwrappedSecret> {
    const name = flightName(wrapped, binding);
    try {
      const unwrapped = await this.#flights.share(name, signal, (ends) => {
        return this.key.unwrap(wrapped, binding, { signal: ends });
      });
      this.health.trouble = undefined;
      return unwrapped;
    } catch (error) {
      if (isWaxsealError(error) && TROUBLE.has(error.code)) this.#note(error, false);
      // Whatever it says of the wrap, it answers.
      else if (isWaxsealError(error)) this.health.trouble = undefined;
      throw error;
    }
  }

  async #inTime(wrapped: WrappedSecret, binding: Uint8Array, { signal }: CallOptions = {}): Promise<UnwrappedSecret> {
    const { slowMs } = this.#patience;
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(SLOW);
    }, slowMs);
    try {
      const ends = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
      return await this.#unwrap(wrapped, binding, { signal: ends });
    } catch (error) {
      if (signal?.aborted === true || error !== SLOW) throw error;
      const message = `${this.key.uri} did not answer within ${String(slowMs / 1000)} s, so that another key was tried`;
      const slow = new WaxsealError('ERR_PROVIDER_UNAVAILABLE', message, { object: this.key.uri });
      this.#note(slow, true);
      throw slow;
    } finally {
      clearTimeout(timer);
    }
  }

  #note(trouble: WaxsealError, slow: boolean): void {
    Object.assign(this.health, { trouble, slow, nextTrial: performance.now() + this.#patience.recoverMs });
  }

  /** The key with another `unwrap`, and with what is known of it. */
  #view(unwrap: KeyProvider['unwrap']): KeyProvider {
    const { key, health } = this;
    const view: Record<string, unknown> = {
      uri: key.uri,
      algorithms: key.algorithms,
      bindsContext: key.bindsContext,
      symmetric: key.symmetric,
      canUnwrap: key.canUnwrap,
      unwrap,
    };
    for (const name of METHODS) {
      if (key[name] !== undefined) view[name] = (key[name] as (...args: unknown[]) => unknown).bind(key);
    }
    Object.defineProperty(view, 'trouble', { get: () => health.trouble, enumerable: true });
    return view as unknown as KeyProvider;
  }
}

const SLOW = new DOMException('too slow', 'TimeoutError');

const METHODS = [
  'accepts',
  'wrap',
  'wrapRecomputed',
  'generateDataKey',
  'rewrap',
  'describe',
  'rotate',
  'probe',
  'policy',
  'disableVersion',
] as const;

function flightName({ uri, version, algorithm, wrap }: WrappedSecret, binding: Uint8Array): string {
  return JSON.stringify([uri, version, algorithm, Buffer.from(sha256(wrap, binding)).toString('base64')]);
}
