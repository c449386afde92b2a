import { Worker } from 'node:worker_threads';
import type { FailureMessage, RequestName, Requests, ResponseMessage, WorkerStart } from './protocol.ts';

/** A request that the library, or the worker before it, refused. */
export class HsmFailure extends Error {
  readonly failure: FailureMessage;

  constructor(failure: FailureMessage) {
    super(failure.message);
    this.failure = failure;
  }
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The worker beside this file, compiled or not. */
const WORKER = new URL(`./worker/worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** A PKCS#11 library in a thread of its own, for all keys of the process that use it. */
export class Hsm {
  static readonly #libraries = new Map<string, Hsm>();
  readonly #start: WorkerStart;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #next = 1;

  private constructor(start: WorkerStart) {
    this.#start = start;
  }

  /** The one for this library: C_Initialize is called once in a process. */
  static of(library: string, libraryParameters: string | undefined): Hsm {
    let hsm = Hsm.#libraries.get(library);
    if (hsm === undefined) {
      hsm = new Hsm({ library, libraryParameters });
      Hsm.#libraries.set(library, hsm);
    }
    return hsm;
  }

  /**
   * Asks the worker.
   *
   * @param moved buffers in `args` that are handed over
   * @throws HsmFailure
   */
  async request<N extends RequestName>(
    name: N,
    args: Requests[N]['args'],
    signal: AbortSignal,
    moved: readonly ArrayBuffer[] = [],
  ): Promise<Requests[N]['gives']> {
    signal.throwIfAborted();
    const worker = this.#running();
    const id = this.#next++;
    return new Promise<Requests[N]['gives']>((resolve, reject) => {
      const stop = (): void => {
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      const settled = (): void => {
        signal.removeEventListener('abort', stop);
        // Only as long as somebody waits does the thread keep the process alive.
        if (this.#pending.delete(id) && this.#pending.size === 0) worker.unref();
      };
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(id, {
        resolve: (value) => {
          settled();
          resolve(value as Requests[N]['gives']);
        },
        reject: (error) => {
          settled();
          reject(error instanceof Error ? error : new HsmFailure({ kind: 'UNKNOWN', message: String(error) }));
        },
      });
      worker.postMessage({ id, name, args }, [...moved]);
    });
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(WORKER, { workerData: this.#start, name: 'waxseal pkcs11' });
    worker.unref();
    worker.on('message', (message: ResponseMessage) => {
      const pending = this.#pending.get(message.id);
      if (pending === undefined) return;
      if ('failure' in message) pending.reject(new HsmFailure(message.failure));
      else pending.resolve(message.value);
    });
    const ended = (why: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const { reject } of [...this.#pending.values()]) reject(new HsmFailure({ kind: 'WORKER', message: why }));
    };
    worker.on('error', (error: unknown) => {
      ended(error instanceof Error ? error.message : String(error));
    });
    worker.on('exit', () => {
      ended('the thread of the PKCS#11 library ended');
    });
    this.#worker = worker;
    return worker;
  }
}
