import type { FileHandle } from 'node:fs/promises';
import { open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes } from '../../bytes/index.ts';
import { fromSystemError, WaxsealError } from '../../errors/index.ts';
import { networkFileSystem, readFully, withFolderLock, writeFully } from '../../files/index.ts';
import { fileSource, type OpenSource } from '../source.ts';

/** A sealed file that is open for writing in place. */
export interface ObjectFile extends OpenSource {
  readonly handle: FileHandle;
  /** The file itself, symbolic links resolved: two names of one folder must take one lock. */
  readonly realPath: string;
}

/**
 * Opens a file for writing in place.
 *
 * @throws WaxsealError `ERR_FILE_NOT_FOUND`, `ERR_NOT_A_FILE`, `ERR_NOT_WRITABLE`, `ERR_NETWORK_FILE_SYSTEM`
 */
export async function openObjectFile(path: string, allowNetworkFileSystem: boolean): Promise<ObjectFile> {
  const realPath = await resolvePath(path);
  const source = await fileSource(realPath, 'r+');
  const name = path;
  try {
    const network = allowNetworkFileSystem ? undefined : await networkFileSystem(realPath);
    if (network !== undefined) {
      throw new WaxsealError(
        'ERR_NETWORK_FILE_SYSTEM',
        `${name} lies on a network file system (${network}), where rewriting in place may lose a concurrent change`,
        { object: name },
      );
    }
    return { ...source, name, realPath };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** How a file is opened for a change. */
export interface ChangeFileOptions {
  readonly signal?: AbortSignal | undefined;
  readonly dryRun?: boolean | undefined;
  readonly lockTimeoutMs?: number | undefined;
  readonly allowNetworkFileSystem?: boolean | undefined;
}

/**
 * Runs `work` on a file under the lock of its folder; in a dry run without. The file is opened before, so that no lock
 * file appears beside one that cannot be changed anyway, and again if it was replaced while the lock was waited for.
 *
 * @throws WaxsealError as {@link openObjectFile}, `ERR_BUSY`, `ERR_INPUT_CHANGED`, and what `work` throws
 */
export async function withObjectFile<T>(
  path: string,
  options: ChangeFileOptions,
  work: (file: ObjectFile) => Promise<T>,
): Promise<T> {
  const allowNetwork = options.allowNetworkFileSystem === true;
  let file = await openObjectFile(path, allowNetwork);
  try {
    if (options.dryRun === true) return await work(file);
    const { lockTimeoutMs: timeoutMs, signal } = options;
    return await withFolderLock(dirname(file.realPath), { timeoutMs, signal }, async () => {
      if (!(await isStillThere(file))) {
        const fresh = await openObjectFile(path, allowNetwork);
        const { realPath } = file;
        await file.close();
        file = fresh;
        // Another folder would take another lock.
        if (fresh.realPath !== realPath) throw replaced(file);
      }
      return work(file);
    });
  } finally {
    await file.close();
  }
}

/** The file behind a path. */
async function resolvePath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw fromSystemError(error, 'open', path, true);
  }
}

/**
 * Makes durable what is in the file, before the first write to it. A writer that was killed may have left a slot in the
 * page cache only: were the other one written now, a power cut could tear both.
 *
 * @throws WaxsealError `ERR_IO`, `ERR_DISK_FULL`
 */
export async function settle(file: ObjectFile): Promise<void> {
  try {
    await file.handle.datasync();
  } catch (error) {
    throw fromSystemError(error, 'write', file.name);
  }
}

/**
 * Writes one region in place and proves that it is there: fdatasync, then read back through a new descriptor and
 * compare. The first failure ends everything: after a failed fsync a second one may lie.
 *
 * @throws WaxsealError `ERR_IO`, `ERR_DISK_FULL`, `ERR_NOT_WRITABLE`
 */
export async function writeRegion(file: ObjectFile, bytes: Uint8Array, offset: number): Promise<void> {
  try {
    await writeFully(file.handle, bytes, offset);
  } catch (error) {
    throw fromSystemError(error, 'write', file.name);
  }
  await settle(file);
  let again: FileHandle | undefined;
  try {
    again = await open(file.realPath, 'r');
    const back = await readFully(again, new Uint8Array(bytes.length), offset);
    if (!equalBytes(back, bytes) && (await sameFile(file, again))) {
      throw new WaxsealError('ERR_BUSY', `${file.name} did not read back as written: another writer is at work`, {
        object: file.name,
      });
    }
  } catch (error) {
    throw fromSystemError(error, 'read back', file.name, true);
  } finally {
    await again?.close();
  }
}

/**
 * Checks that the path still names the file that was written: somebody may have replaced it meanwhile.
 *
 * @throws WaxsealError `ERR_INPUT_CHANGED`
 */
export async function assertStillThere(file: ObjectFile): Promise<void> {
  if (!(await isStillThere(file))) throw replaced(file);
}

async function isStillThere(file: ObjectFile): Promise<boolean> {
  const now = await stat(file.realPath, { bigint: true }).catch(() => undefined);
  const opened = await file.handle.stat({ bigint: true });
  return now?.ino === opened.ino && now.dev === opened.dev;
}

function replaced(file: ObjectFile): WaxsealError {
  return new WaxsealError('ERR_INPUT_CHANGED', `${file.name} was replaced while it was being rewritten`, {
    object: file.name,
    next: 'run the command again: the file that has the name now was not touched',
  });
}

async function sameFile(file: ObjectFile, other: FileHandle): Promise<boolean> {
  const [a, b] = await Promise.all([file.handle.stat({ bigint: true }), other.stat({ bigint: true })]);
  return a.ino === b.ino && a.dev === b.dev;
}
