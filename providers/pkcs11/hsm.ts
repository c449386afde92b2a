import { realpathSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { WaxsealError } from '../../src/errors/index.ts';
import type { FailureMessage, RequestName, Requests, ResponseMessage } from './protocol.ts';

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
  readonly reject: (error: Error) => void;
}

/** The worker beside this file, compiled or not. */
const WORKER = new URL(`./worker/worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
/** `node --input-type=module --eval …` would have the worker refuse its file. */
const INHERITED = process.execArgv.some((option) => option.startsWith('--input-type')) ? { execArgv: [] } : {};
/** A call that nobody waits for any longer and that has not returned after so long hangs. */
const HANGS_AFTER_MS = 5_000;
/** Handles of one worker mean nothing to the next. */
const HANDLES = 2 ** 20;

/** A PKCS#11 library in a thread of its own, for all keys of the process that use it. */
export class Hsm {
  static readonly #libraries = new Map<string, Hsm>();
  readonly #library: string;
  readonly #parameters: string | undefined;
  readonly #pending = new Map<number, Pending>();
  /** Requests that the library has not answered and nobody waits for, with the time when they were made. */
  readonly #abandoned = new Map<number, { readonly since: number; readonly name: RequestName }>();
  #worker: Worker | undefined;
  #workers = 0;
  #next = 1;

  private constructor(library: string, parameters: string | undefined) {
    this.#library = library;
    this.#parameters = parameters;
  }

  /**
   * The one for this library: C_Initialize is called once in a process.
   *
   * @throws WaxsealError `ERR_CONFIG` for other library parameters than before
   */
  static of(library: string, parameters: string | undefined): Hsm {
    const path = realPath(library);
    let hsm = Hsm.#libraries.get(path);
    if (hsm === undefined) {
      hsm = new Hsm(library, parameters);
      Hsm.#libraries.set(path, hsm);
    }
    if (hsm.#parameters === parameters) return hsm;
    throw new WaxsealError('ERR_CONFIG', `${library} is in use with other libraryParameters in this process`, {
      object: library,
      next: 'give the same libraryParameters to all keys of this library, or use another process',
    });
  }

  /**
   * Asks the worker.
   *
   * @param moved buffers in `args` that are handed over
   * @throws HsmFailure; the signal's reason when it is aborted before the answer
   */
  async request<N extends RequestName>(
    name: N,
    args: Requests[N]['args'],
    signal: AbortSignal,
    moved: readonly ArrayBuffer[] = [],
  ): Promise<Requests[N]['gives']> {
    signal.throwIfAborted();
    this.#assertAnswers();
    const worker = this.#running();
    const id = this.#next++;
    return new Promise<Requests[N]['gives']>((resolve, reject) => {
      const settle = (): void => {
        signal.removeEventListener('abort', stop);
        this.#pending.delete(id);
        // Only as long as somebody waits does the thread keep the process alive.
        if (this.#pending.size === 0) worker.unref();
      };
      const since = performance.now();
      const stop = (): void => {
        this.#abandoned.set(id, { since, name });
        settle();
        reject(signal.reason as Error);
      };
      this.#pending.set(id, {
        resolve: (value) => {
          settle();
          resolve(value as Requests[N]['gives']);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      signal.addEventListener('abort', stop, { once: true });
      worker.ref();
      worker.postMessage({ id, name, args }, [...moved]);
    });
  }

  /** Lets go of a token, when everything before that was answered. */
  release(handle: number): void {
    // Without a worker there is nothing to let go of.
    this.#worker?.postMessage({ id: 0, name: 'release', args: { token: handle } });
  }

  /** More calls would only hang beside the first. */
  #assertAnswers(): void {
    const now = performance.now();
    for (const { since } of this.#abandoned.values()) {
      if (now - since < HANGS_AFTER_MS) continue;
      const seconds = String(Math.round((now - since) / 1000));
      throw new HsmFailure({ kind: 'HANGS', message: `a call to the library has not returned for ${seconds} s` });
    }
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const firstHandle = 1 + HANDLES * this.#workers++;
    const workerData = { library: this.#library, libraryParameters: this.#parameters, firstHandle };
    const worker = new Worker(WORKER, { workerData, name: 'waxseal pkcs11', ...INHERITED });
    worker.unref();
    worker.on('message', (message: ResponseMessage) => {
      this.#answered(message);
    });
    const ended = (why: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#abandoned.clear();
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

  #answered(message: ResponseMessage): void {
    const pending = this.#pending.get(message.id);
    const abandoned = this.#abandoned.get(message.id);
    this.#abandoned.delete(message.id);
    if ('failure' in message) {
      pending?.reject(new HsmFailure(message.failure));
      return;
    }
    pending?.resolve(message.value);
    if (abandoned === undefined) return;
    // Nobody has this secret, or this login.
    if (message.value instanceof Uint8Array) message.value.fill(0);
    if (abandoned.name === 'open') this.release((message.value as Requests['open']['gives']).handle);
  }
}

/** Two paths of one library are one library. A bare name is left to the loader. */
function realPath(library: string): string {
  try {
    return realpathSync(library);
  } catch {
    return library;
  }
}
