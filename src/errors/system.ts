import type { ErrorCode } from './codes.ts';
import { WaxsealError } from './waxseal-error.ts';

/** The `code` of a system error such as `ENOENT`, if `error` is one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'ERR_FILE_NOT_FOUND',
  ENOTDIR: 'ERR_FILE_NOT_FOUND',
  EISDIR: 'ERR_NOT_A_FILE',
  EEXIST: 'ERR_OUTPUT_EXISTS',
  EACCES: 'ERR_NOT_WRITABLE',
  EPERM: 'ERR_NOT_WRITABLE',
  EROFS: 'ERR_NOT_WRITABLE',
  ENOSPC: 'ERR_DISK_FULL',
  EDQUOT: 'ERR_DISK_FULL',
  EFBIG: 'ERR_DISK_FULL',
};

/**
 * Turns a system error into a {@link WaxsealError} that says what was being done to which file; every other error
 * comes back as it is.
 *
 * @param error what was thrown
 * @param doing what was being done, as in "cannot {doing}"
 * @param path the file it was done to
 * @param reading true where a refused permission means "cannot be read"
 */
export function fromSystemError(error: unknown, doing: string, path: string, reading = false): unknown {
  const system = systemCode(error);
  if (system === undefined) return error;
  const code = CODES[system] ?? 'ERR_IO';
  if (reading && code === 'ERR_NOT_WRITABLE') {
    return new WaxsealError('ERR_IO', `cannot ${doing} ${path}: permission denied (${system})`, {
      object: path,
      next: 'check owner and permissions of the file and its folders',
      cause: error,
    });
  }
  return new WaxsealError(code, `cannot ${doing} ${path}: ${reason(system)}`, { object: path, cause: error });
}

function reason(system: string): string {
  const texts: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    ENOTDIR: 'a part of the path is not a folder',
    EISDIR: 'it is a folder',
    EEXIST: 'it exists already',
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left on the device',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be too large',
    EIO: 'input/output error',
  };
  const text = texts[system];
  return text === undefined ? system : `${text} (${system})`;
}
