import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../files/index.ts';

/** How much is read, crypted and written at a time, in bytes, rounded to whole segments. */
export const BATCH_BYTES = 1024 * 1024;

/**
 * Reads a file in order, `batch` bytes at a time, always one batch ahead of the consumer. Two buffers take turns: a
 * chunk is the consumer's only until it asks for the next one.
 */
export async function* readAhead(
  handle: FileHandle,
  start: number,
  end: number,
  batch: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = [0, 1].map(() => new Uint8Array(Math.max(0, Math.min(batch, end - start)))) as [Uint8Array, Uint8Array];
  const begin = (index: number): Promise<Uint8Array> | undefined => {
    const from = start + index * batch;
    if (from >= end) return undefined;
    const buffer = buffers[index % 2 === 0 ? 0 : 1];
    const reading = readFully(handle, buffer.subarray(0, Math.min(batch, end - from)), from);
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
