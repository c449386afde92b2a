import type { FileHandle } from 'node:fs/promises';
import { fromSystemError } from '../errors/index.ts';
import { readFully } from '../files/index.ts';
import type { OpenSource } from './source.ts';

/** How much is read, crypted and written at a time, in bytes, rounded to whole segments. */
export const BATCH_BYTES = 1024 * 1024;

/**
 * Reads a file in order, `batch` bytes at a time, always one batch ahead of the consumer. Two buffers take turns: a
 * chunk is the consumer's only until it asks for the next one.
 *
 * @throws WaxsealError `ERR_IO`
 */
export async function* readAhead(
  { handle, name }: { readonly handle: FileHandle; readonly name: string },
  start: number,
  end: number,
  batch: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers: Uint8Array[] = [];
  const begin = (index: number): Promise<Uint8Array> | undefined => {
    const from = start + index * batch;
    if (from >= end) return undefined;
    const buffer = (buffers[index % 2] ??= Buffer.allocUnsafeSlow(Math.min(batch, end - from)));
    const reading = readFully(handle, buffer.subarray(0, Math.min(batch, end - from)), from).catch((error: unknown) => {
      throw fromSystemError(error, 'read', name, true);
    });
    // Its rejection is seen when it is awaited; should the consumer leave before, it is nobody's.
    reading.catch(() => undefined);
    return reading;
  };
  let next = begin(0);
  try {
    for (let index = 0; next !== undefined; index += 1) {
      const chunk = await next;
      next = begin(index + 1);
      yield chunk;
    }
  } finally {
    // The handle must not be closed under a read.
    await next?.catch(() => undefined);
  }
}

/** As {@link readAhead}, for any source; a file is read into two buffers that take turns. */
export function readSourceAhead(
  source: OpenSource,
  start: number,
  end: number,
  batch: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  return source.handle === undefined
    ? readEach(source, start, end, batch)
    : readAhead({ handle: source.handle, name: source.name }, start, end, batch);
}

async function* readEach(
  source: OpenSource,
  start: number,
  end: number,
  batch: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let from = start; from < end; from += batch) yield await source.read(from, Math.min(batch, end - from));
}
