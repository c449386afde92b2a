import { WaxsealError } from '../../errors/index.ts';

/** The error for a file of the keyring that does not hold what was written into it. */
export function damaged(path: string, why: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_KEYRING_DAMAGED', `${path} is damaged: ${why}`, {
    object: path,
    next: 'restore it from the backup of the keyring: waxseal key restore FILE',
    cause,
  });
}
