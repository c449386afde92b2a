import { fromSystemError } from '../../src/errors/index.ts';
import { openAtomicOutput, writeFully } from '../../src/files/index.ts';

/** Writes a small file whole: the path shows the old state or the new one, never anything between. */
export async function atomicWrite(
  path: string,
  bytes: Uint8Array,
  options: Parameters<typeof openAtomicOutput>[1],
): Promise<void> {
  const output = await openAtomicOutput(path, options);
  try {
    try {
      await writeFully(output.handle, bytes, 0);
    } catch (error) {
      throw fromSystemError(error, 'write', path);
    }
    await output.commit();
  } finally {
    await output.discard();
  }
}
