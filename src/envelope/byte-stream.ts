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
