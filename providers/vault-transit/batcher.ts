/** What became of one item. */
export type Outcome<O> = { readonly value: O } | { readonly error: unknown };

interface Waiting<I, O> {
  readonly item: I;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: O) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts calls that are made at the same time into one request: what is added until the event loop comes round goes
 * together. A caller that gives up leaves the others alone.
 */
export class Batcher<I, O> {
  readonly #max: number;
  readonly #send: (items: readonly I[], signal: AbortSignal | undefined) => Promise<readonly Outcome<O>[]>;
  #queue: Waiting<I, O>[] = [];
  #scheduled = false;

  /**
   * @param max items in one request
   * @param send gives an outcome for every item, in their order; the signal is there when a single caller waits
   */
  constructor(
    max: number,
    send: (items: readonly I[], signal: AbortSignal | undefined) => Promise<readonly Outcome<O>[]>,
  ) {
    this.#max = max;
    this.#send = send;
  }

  add(item: I, signal: AbortSignal | undefined): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const stop = (): void => {
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', stop, { once: true });
      const done = (settle: () => void): void => {
        signal?.removeEventListener('abort', stop);
        settle();
      };
      this.#queue.push({
        item,
        signal,
        resolve: (value) => {
          done(() => {
            resolve(value);
          });
        },
        reject: (error) => {
          done(() => {
            reject(error instanceof Error ? error : new TypeError(String(error)));
          });
        },
      });
      if (this.#queue.length >= this.#max) this.#flush();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(() => {
          this.#scheduled = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    const waiting = this.#queue.filter(({ signal }) => signal?.aborted !== true);
    this.#queue = [];
    if (waiting.length === 0) return;
    const only = waiting.length === 1 ? waiting[0]?.signal : undefined;
    this.#send(
      waiting.map(({ item }) => item),
      only,
    ).then(
      (outcomes) => {
        waiting.forEach(({ resolve, reject }, at) => {
          const outcome = outcomes[at];
          if (outcome === undefined) reject(new RangeError('a batch has an outcome for every item'));
          else if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.value);
        });
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
