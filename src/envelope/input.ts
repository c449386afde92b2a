import { onAbandon } from '../bytes/index.ts';
import type { Chunks, Intake } from './intake.ts';

/** Refuses what is neither bytes nor a stream, with the verb that takes files. */
export function refuseInput(verb: string, fileVerb: string): never {
  throw new TypeError(
    `${verb}: expected a Uint8Array or a stream of them; for a file use ${fileVerb}, for text new TextEncoder().encode(text)`,
  );
}

/**
 * Wraps a generator as a web stream with back-pressure; breaking off on either side ends the generator. `source` is what
 * the generator waits for, if it may wait: it is left first, because a generator hears of nothing while it waits.
 */
export function toWebStream(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  source?: Intake,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await source?.return(reason);
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Cuts a stream of any chunking into pieces of exactly `length` bytes, the last one shorter (or as long, or empty for
 * an empty stream). A piece is handed out before the next chunk is asked for, so that a source may reuse its buffer;
 * pieces that lie within one chunk are views of it.
 */
export async function* regroup(
  source: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly last: boolean }, void, undefined> {
  // One piece is held back until it is known whether another byte follows; a piece that is held is a copy.
  let held = new Uint8Array(length);
  let fill = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (fill === length) {
        yield { bytes: held, last: false };
        held = new Uint8Array(length);
        fill = 0;
        while (rest.length > length) {
          yield { bytes: rest.subarray(0, length), last: false };
          rest = rest.subarray(length);
        }
      }
      const take = Math.min(length - fill, rest.length);
      held.set(rest.subarray(0, take), fill);
      fill += take;
      rest = rest.subarray(take);
    }
  }
  yield { bytes: held.subarray(0, fill), last: true };
}

/**
 * The first `wanted` bytes of a stream, copied, and the rest of the chunk in which they end: a view that is used up before
 * the next chunk is asked for, so that a source may reuse its buffers.
 */
export async function collectPrefix(
  chunks: Intake,
  wanted: number,
): Promise<{ readonly prefix: Uint8Array; readonly rest: Uint8Array }> {
  const prefix = new Uint8Array(wanted);
  let length = 0;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return { prefix: prefix.subarray(0, length), rest: new Uint8Array(0) };
    const take = Math.min(wanted - length, value.length);
    prefix.set(value.subarray(0, take), length);
    length += take;
    if (length === wanted) return { prefix, rest: value.subarray(take) };
  }
}

/**
 * Some chunks, then those of a stream, which is ended with it. All of them are copies, which the receiver may keep
 * whatever the source does with its buffers. `passed` is told the length of each before it goes out, and may refuse it.
 */
export function passing(
  beginning: readonly Uint8Array[],
  chunks: Intake,
  signal: AbortSignal | undefined,
  passed: { chunk(length: number): void; end(): void } | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  async function* parts(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const part of following(beginning, chunks)) {
        signal?.throwIfAborted();
        passed?.chunk(part.length);
        if (part.length > 0) yield new Uint8Array(part);
      }
      passed?.end();
    } finally {
      await chunks.return();
    }
  }
  return onAbandon(parts(), async () => void (await chunks.return()));
}

/** Some chunks, then those of a stream. */
export async function* following(
  beginning: readonly Uint8Array[],
  chunks: Chunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* beginning;
  yield* chunks;
}
