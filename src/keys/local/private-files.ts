import type { Stats } from 'node:fs';
import { constants, type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { allocateSecret, equalSecrets, zero } from '../../crypto/secrets.ts';
import { fromSystemError, systemCode, WaxsealError } from '../../errors/index.ts';
import { openAtomicOutput, readFully, writeFully } from '../../files/index.ts';
import { damaged } from './damage.ts';

/** Files and folders of a keyring belong to one user alone, as the private keys of SSH do. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const OTHERS = 0o077;

export interface ReadOptions {
  /** A larger file is not read at all. */
  readonly maxBytes: number;
  /** Whether a symbolic link is followed; inside a keyring there are none. */
  readonly followLinks?: boolean;
  /** Whether loose permission bits are refused; a backup may lie on a file system that has none. */
  readonly private?: boolean;
}

/**
 * Reads a small file whole, into memory of its own that the caller may zero.
 *
 * @returns undefined when there is no such file
 * @throws WaxsealError `ERR_KEYRING_PERMISSIONS`, `ERR_KEYRING_DAMAGED` (too large, not a file), `ERR_IO`
 */
export async function readPrivateFile(
  path: string,
  options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let handle: FileHandle;
  try {
    // Non-blocking: a FIFO in the place of the file must not hang the reader. (Windows has neither flag: undefined is 0.)
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    handle = await open(path, options.followLinks === true ? flags : flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === 'ELOOP') throw damaged(path, 'it is a symbolic link', error);
    throw fromSystemError(error, 'read', path, true);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw damaged(path, 'it is not a regular file');
    if (options.private !== false) assertPrivate(path, stats, FILE_MODE);
    if (stats.size > options.maxBytes) throw damaged(path, 'it is too large to be what its name says');
    const into = allocateSecret(stats.size);
    const bytes = await readFully(handle, into, 0);
    if (bytes.length !== into.length) throw damaged(path, 'it became shorter while it was read');
    return into;
  } catch (error) {
    throw fromSystemError(error, 'read', path, true);
  } finally {
    await handle.close();
  }
}

/**
 * Checks that a folder exists and belongs to this user alone.
 *
 * @returns false when there is no such folder
 * @throws WaxsealError `ERR_KEYRING_PERMISSIONS`
 */
export async function checkPrivateFolder(path: string): Promise<boolean> {
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw fromSystemError(error, 'read', path, true);
  }
  if (!stats.isDirectory()) throw damaged(path, 'it is not a folder');
  assertPrivate(path, stats, FOLDER_MODE);
  return true;
}

/** Makes a folder, and those above it, for this user alone; one that exists is only checked. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  } catch (error) {
    throw fromSystemError(error, 'create', path);
  }
  await checkPrivateFolder(path);
}

/**
 * Writes a file that only this user may read, atomically, and reads it back through a new descriptor before it gets its
 * name: what cannot be read must never become visible.
 *
 * @param inspect looks at the bytes that were read back, before they become visible
 * @throws WaxsealError `ERR_OUTPUT_EXISTS` when there is one and `overwrite` is false
 */
export async function writePrivateFile(
  path: string,
  bytes: Uint8Array,
  { overwrite, inspect }: { readonly overwrite: boolean; readonly inspect?: (bytes: Uint8Array) => Promise<void> },
): Promise<void> {
  const output = await openAtomicOutput(path, { overwrite, mode: FILE_MODE, strictlyNew: true });
  let back: Uint8Array | undefined;
  try {
    try {
      await writeFully(output.handle, bytes, 0);
      await output.handle.sync();
    } catch (error) {
      throw fromSystemError(error, 'write', path);
    }
    back = await readPrivateFile(output.temporaryPath, { maxBytes: bytes.length });
    if (back === undefined || !equalSecrets(back, bytes)) {
      throw new WaxsealError('ERR_IO', `${path} was not written: the disk gave back other bytes than were written`, {
        object: path,
        next: 'check the disk; nothing was changed',
      });
    }
    await inspect?.(back);
    await output.commit();
  } finally {
    zero(back);
    await output.discard();
  }
}

function assertPrivate(path: string, stats: Stats, mode: number): void {
  // Windows has neither these bits nor owners by number.
  if (process.platform === 'win32') return;
  const user = process.geteuid?.();
  if (user !== 0 && user !== undefined && stats.uid !== user) {
    throw refused(path, `it belongs to user ${String(stats.uid)}, not to you`, `chown ${String(user)} ${quoted(path)}`);
  }
  if ((stats.mode & OTHERS) !== 0) {
    const bits = (stats.mode & 0o777).toString(8);
    throw refused(path, `others may use it (mode ${bits})`, `chmod ${mode.toString(8)} ${quoted(path)}`);
  }
}

function refused(path: string, why: string, command: string): WaxsealError {
  return new WaxsealError('ERR_KEYRING_PERMISSIONS', `${path} is refused: ${why}; run: ${command}`, {
    object: path,
    next: `run: ${command} - and if others had access, rotate the keys and seal anew`,
  });
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
