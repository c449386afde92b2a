import { isWaxsealError, WaxsealError } from '../../errors/index.ts';

/**
 * What follows a rotation that the provider has accepted. Where that fails, the error says so: whoever took it for a
 * rotation that failed would rotate again.
 *
 * @throws WaxsealError with the code of what failed, never retryable
 */
export async function afterRotation<T>(uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    const message = `${uri} was rotated, but what it is now could not be read: ${error.message}`;
    const next = `do not rotate again: look with waxseal key show; ${error.next}`;
    throw new WaxsealError(error.code, message, { object: uri, next, retryable: false, cause: error });
  }
}
