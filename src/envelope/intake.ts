import { Readable } from 'node:stream';
import type { ByteStream } from './byte-stream.ts';

/** Chunks that come one after the other, and whose origin can be told that nobody reads on. */
export interface Chunks extends AsyncIterable<Uint8Array> {
  /** Ends the origin, whose end has then not been seen. Nothing happens after the last chunk, or a second time. */
  return(): Promise<unknown>;
}

/** What a stream is read by: each kind is left in its own way. */
interface Origin {
  next(): Promise<Step> | Step;
  /** Says that nobody reads on. `pending`: an answer of `next` is still awaited. */
  end(pending: boolean, reason: unknown): unknown;
}

/** As iterators and readers give it. */
interface Step {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

const DONE = { done: true, value: undefined } as const;

/**
 * A stream that has been handed in, from the first moment on: it is told exactly once that nobody reads on, also when
 * nobody ever began, or when it stalls; its chunks are known to be bytes. An aborted signal ends it at once, and the
 * chunk that was waited for is then the signal's reason.
 */
export class Intake implements Chunks {
  readonly #origin: Origin;
  readonly #signal: AbortSignal | undefined;
  /** Somebody had read of it before, and nothing has come since: at its end, what was there went to somebody else. */
  #mayBeUsedUp: boolean;
  /** Rejects the answer that is being waited for. */
  #interrupt: ((error: unknown) => void) | undefined;
  #ended = false;
  /** Why there is no more, where it is not the end. */
  #failure: { readonly error: unknown } | undefined;

  /** @throws TypeError for a web stream that somebody else reads */
  constructor(stream: ByteStream, signal: AbortSignal | undefined) {
    this.#origin = originOf(stream);
    this.#signal = signal;
    this.#mayBeUsedUp = Readable.isDisturbed(stream as Readable);
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#abort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next chunk. It is the stream's: used up before the next one is asked for. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#ended) return DONE;
    let step: Step;
    try {
      step = await new Promise<Step>((resolve, reject) => {
        this.#interrupt = reject;
        Promise.resolve(this.#origin.next()).then(resolve, reject);
      });
    } catch (error) {
      this.#finish();
      throw error;
    } finally {
      this.#interrupt = undefined;
    }
    if (step.done === true) {
      this.#finish();
      if (!this.#mayBeUsedUp) return DONE;
      // Sealed as if it were empty, it would be missed when the original is gone.
      throw new TypeError('the stream had been read to its end before it was handed in');
    }
    this.#mayBeUsedUp = false;
    if (step.value instanceof Uint8Array) return { done: false, value: step.value };
    await this.return();
    throw new TypeError('a stream gave a chunk that is not a Uint8Array');
  }

  /**
   * Leaves the stream, also while a chunk is waited for: that wait then fails, and so does every later one, so that
   * nobody takes it for the end of the data.
   */
  async return(reason?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#ended) await this.#leave(reason, new DOMException('nobody reads on', 'AbortError'));
    return DONE;
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    void this.#leave(reason, reason);
  };

  async #leave(reason: unknown, error: unknown): Promise<void> {
    this.#finish();
    this.#failure = { error };
    const interrupt = this.#interrupt;
    interrupt?.(error);
    try {
      const left = this.#origin.end(interrupt !== undefined, reason);
      // What has stalled may never answer.
      if (interrupt === undefined) await left;
      else Promise.resolve(left).catch(() => undefined);
    } catch {
      // That the stream could not be left well is nothing to those who do not want it any more.
    }
  }

  #finish(): void {
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}

/** Takes a stream over for work that, when it succeeds, answers for it; when the work fails, the stream is ended. */
export async function takeIn<T>(
  stream: ByteStream,
  signal: AbortSignal | undefined,
  work: (chunks: Intake) => Promise<T>,
): Promise<T> {
  const chunks = new Intake(stream, signal);
  try {
    return await work(chunks);
  } catch (error) {
    await chunks.return();
    throw error;
  }
}

function originOf(stream: ByteStream): Origin {
  if (stream instanceof ReadableStream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), end: (_, reason) => reader.cancel(reason) };
  }
  return isNodeStream(stream) ? nodeOrigin(stream) : iteratorOrigin(stream);
}

function iteratorOrigin(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Origin {
  const iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  return { next: () => iterator.next(), end: () => iterator.return?.() };
}

/** What we need of a Node stream, whichever package it comes from. */
interface NodeStream extends AsyncIterable<Uint8Array> {
  destroy(): unknown;
  on(event: 'error', listener: () => void): unknown;
}

function isNodeStream(stream: object): stream is NodeStream {
  return (
    Symbol.asyncIterator in stream &&
    'destroy' in stream &&
    typeof stream.destroy === 'function' &&
    'on' in stream &&
    typeof stream.on === 'function'
  );
}

function nodeOrigin(stream: NodeStream): Origin {
  // Until its iterator is begun nobody else listens, and a file that cannot be opened would end the process.
  stream.on('error', () => undefined);
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return {
    next: () => (iterator ??= stream[Symbol.asyncIterator]()).next(),
    async end(pending) {
      // Its iterator is an async generator: it waits its turn behind a pending step, and does nothing before the first.
      if (!pending) await iterator?.return?.();
      stream.destroy();
    },
  };
}
