import { allocateSecret, zero } from '../../crypto/secrets.ts';
import type { UnwrappedSecret } from '../provider.ts';

interface Flight {
  readonly result: Promise<UnwrappedSecret>;
  readonly controller: AbortController;
  waiting: number;
}

/** Lets callers who want the same secret at the same time share one call. Each gets a copy of its own. */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  /**
   * @param name the same for the same secret
   * @param call made once; its signal ends it when the last caller has left
   */
  async share(
    name: string,
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<UnwrappedSecret>,
  ): Promise<UnwrappedSecret> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(name) ?? this.#start(name, call);
    flight.waiting += 1;
    try {
      const { secret, version } = await orAborted(flight.result, signal);
      const own = allocateSecret(secret.length);
      own.set(secret);
      return { secret: own, version };
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#end(name, flight);
    }
  }

  #start(name: string, call: (signal: AbortSignal) => Promise<UnwrappedSecret>): Flight {
    const controller = new AbortController();
    const flight: Flight = { result: call(controller.signal), controller, waiting: 0 };
    this.#flights.set(name, flight);
    const landed = (): void => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    flight.result.then(landed, landed);
    return flight;
  }

  /** Nobody waits any more: the call is ended if it still runs, and its secret zeroed if it has one. */
  #end(name: string, flight: Flight): void {
    if (this.#flights.get(name) === flight) this.#flights.delete(name);
    flight.controller.abort();
    flight.result.then(
      ({ secret }) => {
        zero(secret);
      },
      () => undefined,
    );
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
