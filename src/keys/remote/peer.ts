import { WaxsealError } from '../../errors/index.ts';

/**
 * Loads an optional peer package when it is first needed.
 *
 * @param name of the package
 * @param range the versions that work, as package.json has them
 * @throws WaxsealError `ERR_PROVIDER_MISSING` when it is not installed
 */
export async function loadPeer<T>(name: string, range: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new WaxsealError('ERR_PROVIDER_MISSING', `the package ${name} is not installed`, {
      object: name,
      next: `npm install ${name}@${range}`,
      cause,
    });
  }
}

function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && error.message.includes(name);
}
