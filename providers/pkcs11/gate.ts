/** Lets so many in at a time; the others wait outside, and may give up there. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** @throws the signal's reason when it is aborted while waiting */
  async pass<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#room > 0) {
      this.#room -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.delete(enter);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#room += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
