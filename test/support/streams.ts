/** Cuts bytes into chunks of the given lengths, round and round; zero lengths give empty chunks. */
export function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let offset = 0;
  for (let i = 0; offset < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    yield bytes.subarray(offset, offset + length);
    offset += length;
    if (length === 0 && lengths.every((n) => n === 0)) throw new RangeError('no progress');
  }
}

/** A source that hands out one and the same buffer again and again, as some readers do. */
export async function* reusing(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let offset = 0; offset < bytes.length; offset += length) {
    const piece = bytes.subarray(offset, offset + length);
    buffer.fill(0xee);
    buffer.set(piece);
    await Promise.resolve();
    yield buffer.subarray(0, piece.length);
  }
}

export async function collect(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(Buffer.concat(parts));
}
