import { pipeline } from 'node:stream/promises';
import { WaxsealError } from '../errors/index.ts';

/**
 * Writes a stream to standard output with back-pressure; a terminal only where the user asked for it with `-o -`.
 *
 * @throws WaxsealError `ERR_USAGE`
 */
export async function writeToStdout(
  chunks: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  onTerminal: boolean,
): Promise<void> {
  if (process.stdout.isTTY && !onTerminal) {
    throw new WaxsealError('ERR_USAGE', 'standard output is a terminal', {
      next: 'name an output with -o, or say -o -',
    });
  }
  // The process may have more to do: standard output stays open.
  await pipeline(chunks, process.stdout, { end: false });
}
