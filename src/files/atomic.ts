import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fromSystemError, systemCode, WaxsealError } from '../errors/index.ts';
import { removeStaleTemporaries, temporaryName } from './temporaries.ts';

export interface AtomicOptions {
  /** Whether an existing target is replaced; otherwise it is refused, also when it appears meanwhile. */
  readonly overwrite: boolean;
  /**
   * Where a file system has no hard links, "only if nothing has that name" is looked up first and can race. True refuses
   * such a file system instead: for files that must never replace one another.
   */
  readonly strictlyNew?: boolean | undefined;
  /** Permission bits before the umask, 0o666 by default. */
  readonly mode?: number | undefined;
}

/** A file that becomes visible at its path complete or not at all. */
export interface AtomicOutput {
  readonly handle: FileHandle;
  readonly temporaryPath: string;
  /** Makes the file durable and visible at its path. */
  commit(): Promise<void>;
  /** Throws the file away. Harmless after `commit`. */
  discard(): Promise<void>;
}

/**
 * Begins a file in the folder of `path`. Temporary files that dead processes left in that folder are removed first.
 *
 * @throws WaxsealError `ERR_OUTPUT_EXISTS`, `ERR_NOT_WRITABLE`, `ERR_FILE_NOT_FOUND` (the folder), `ERR_DISK_FULL`
 */
export async function openAtomicOutput(path: string, options: AtomicOptions): Promise<AtomicOutput> {
  const target = resolve(path);
  const folder = dirname(target);
  // First, also where the target is refused: a process that died between `link` and `unlink` left it under both names.
  await removeStaleTemporaries(folder, { oncePerProcess: true });
  if (!options.overwrite) await refuseExisting(target, path);
  const temporaryPath = join(folder, temporaryName());
  let handle: FileHandle;
  try {
    handle = await open(temporaryPath, 'wx+', options.mode ?? 0o666);
  } catch (error) {
    throw fromSystemError(error, 'write to', folder);
  }
  let open_ = true;
  const close = async (): Promise<void> => {
    if (!open_) return;
    open_ = false;
    await handle.close();
  };
  return {
    handle,
    temporaryPath,
    async commit() {
      try {
        await handle.sync();
        await close();
        await (options.overwrite ? rename(temporaryPath, target) : linkNew(temporaryPath, target, options));
        await syncFolder(folder);
      } catch (error) {
        if (systemCode(error) === 'EEXIST') throw exists(path, error);
        throw fromSystemError(error, 'write', path);
      }
    },
    async discard() {
      await close().catch(() => undefined);
      await unlink(temporaryPath).catch(() => undefined);
    },
  };
}

/** Makes the names in a folder durable. File systems that cannot sync a folder are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
  } finally {
    await handle.close();
  }
}

/** Gives the file its name only if nothing has that name yet: `link` is the one call that says so atomically. */
async function linkNew(from: string, to: string, { strictlyNew = false }: AtomicOptions): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    if (strictlyNew) {
      throw new WaxsealError('ERR_IO', `${to} was not written: its file system has no hard links`, {
        object: to,
        next: 'choose a folder on another file system',
        cause: error,
      });
    }
    // No hard links here (FAT, some FUSE): the best left is to look first.
    await refuseExisting(to, to);
    await rename(from, to);
    return;
  }
  await unlink(from);
}

async function refuseExisting(target: string, shown: string): Promise<void> {
  const there = await lstat(target).then(
    () => true,
    () => false,
  );
  if (there) throw exists(shown);
}

function exists(path: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_OUTPUT_EXISTS', `${path} exists already`, { object: path, cause });
}
