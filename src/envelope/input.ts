/** What can be sealed or opened as a stream: web streams, Node streams, and anything else that iterates over bytes. */
export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export function isByteStream(value: unknown): value is ByteStream {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Symbol.asyncIterator in value || Symbol.iterator in value) &&
    !(value instanceof Uint8Array)
  );
}

/** Refuses what is neither bytes nor a stream, with the verb that takes files. */
export function refuseInput(verb: string, fileVerb: string): never {
  throw new TypeError(
    `${verb}: expected a Uint8Array or a stream of them; for a file use ${fileVerb}, for text new TextEncoder().encode(text)`,
  );
}

/** Tells a stream that nobody will read it (on). */
export async function endStream(stream: ByteStream): Promise<void> {
  if (stream instanceof ReadableStream) await stream.cancel();
  else if (Symbol.asyncIterator in stream) await stream[Symbol.asyncIterator]().return?.();
  else stream[Symbol.iterator]().return?.();
}

/** Wraps a generator as a web stream with back-pressure; breaking off on either side ends the generator. */
export function toWebStream(chunks: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
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
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly last: boolean }, void, undefined> {
  // One piece is held back until it is known whether another byte follows; a piece that is held is a copy.
  let held = new Uint8Array(length);
  let fill = 0;
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream gave a chunk that is not a Uint8Array');
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

/** An iterator over the chunks of a stream. */
export type Chunks = AsyncIterator<Uint8Array> | Iterator<Uint8Array>;

function toIterator(stream: ByteStream): Chunks {
  return Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
}

/**
 * The first `wanted` bytes of a stream, copied, the rest of the chunk in which they end (a view that is used up before
 * the next chunk is asked for, so that a source may reuse its buffers), and the chunks that follow. When this fails, the
 * stream has been ended.
 */
export async function collectPrefix(
  stream: ByteStream,
  wanted: number,
): Promise<{ readonly prefix: Uint8Array; readonly rest: Uint8Array; readonly chunks: Chunks }> {
  const chunks = toIterator(stream);
  const prefix = new Uint8Array(wanted);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = (await chunks.next()) as IteratorResult<unknown, undefined>;
      if (done === true) return { prefix: prefix.subarray(0, length), rest: new Uint8Array(0), chunks };
      if (!(value instanceof Uint8Array)) throw new TypeError('a stream gave a chunk that is not a Uint8Array');
      const take = Math.min(wanted - length, value.length);
      prefix.set(value.subarray(0, take), length);
      length += take;
      if (length === wanted) return { prefix, rest: value.subarray(take), chunks };
    }
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
}

/** Some chunks, then those of a stream, which is ended with it. */
export async function* passing(
  beginning: readonly Uint8Array[],
  chunks: Chunks,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (const part of beginning) if (part.length > 0) yield part;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      signal?.throwIfAborted();
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
