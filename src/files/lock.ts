import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaxsealError } from '../errors/index.ts';

/** Name of the lock file in a folder. It stays there, empty: removing a lock file is a race. */
export const LOCK_FILE = '.waxseal.lock';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for another holder, in milliseconds; 30 s by default. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs `work` while no other process, worker or call holds the lock of `folder`.
 *
 * The lock is SQLite's `BEGIN EXCLUSIVE` on an empty file: Node has no `flock`, and this one is freed by the kernel when
 * a process dies, also by SIGKILL. It prevents lost updates; that no key is lost does not depend on it.
 *
 * @throws WaxsealError `ERR_BUSY` when it is not free in time, `ERR_NOT_WRITABLE` when the folder cannot hold it
 */
export async function withFolderLock<T>(folder: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const held = await acquire(folder, options);
  try {
    return await work();
  } finally {
    held.close();
  }
}

async function acquire(folder: string, { signal, timeoutMs = 30_000 }: LockOptions): Promise<DatabaseSync> {
  const path = join(folder, LOCK_FILE);
  const Database = sqlite();
  const deadline = performance.now() + timeoutMs;
  await refuseForeignFile(path);
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    signal?.throwIfAborted();
    let database: DatabaseSync | undefined;
    try {
      // The timeout is SQLite's own, which would block the event loop: wait here instead.
      database = new Database(path, { timeout: 0 });
      // Nothing is ever written: without a journal on disk a process that is killed leaves none behind.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database?.close();
      if (!isBusy(error)) throw cannotLock(error, folder, path);
      if (performance.now() >= deadline) {
        throw new WaxsealError('ERR_BUSY', `another process holds the lock of ${folder}`, {
          object: folder,
          cause: error,
        });
      }
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * Our lock file is always empty. A database that somebody else laid there would be opened, and a journal beside it be
 * replayed, which can overwrite and remove files that it names.
 */
async function refuseForeignFile(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || (facts.isFile() && facts.size === 0)) return;
  throw new WaxsealError('ERR_IO', `${path} is not a lock file of waxseal`, {
    object: path,
    next: 'find out who made it, and move it away',
  });
}

const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;
const SQLITE_READONLY = 8;
const SQLITE_PERM = 3;
const SQLITE_FULL = 13;

function resultCode(error: unknown): number | undefined {
  if (error instanceof Error && 'errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  return undefined;
}

function isBusy(error: unknown): boolean {
  return resultCode(error) === SQLITE_BUSY;
}

function cannotLock(error: unknown, folder: string, path: string): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  const details = { object: path, cause: error };
  if (code === SQLITE_FULL) return new WaxsealError('ERR_DISK_FULL', `cannot lock ${folder}: no space left`, details);
  if (code === SQLITE_CANTOPEN || code === SQLITE_READONLY || code === SQLITE_PERM) {
    return new WaxsealError('ERR_NOT_WRITABLE', `cannot create the lock file in ${folder}: not writable`, details);
  }
  return new WaxsealError('ERR_IO', `cannot lock ${folder}`, details);
}

type SqliteModule = typeof import('node:sqlite');
let loaded: SqliteModule | undefined;

/**
 * Node's SQLite, loaded when a lock is needed for the first time, so that sealing and opening never load it. Node 22
 * announces it as experimental on standard error; the two calls that we make are old and stable, so that this one
 * announcement is kept from the user. Everything happens in one synchronous step: no other warning can be swallowed.
 */
function sqlite(): SqliteModule['DatabaseSync'] {
  if (loaded === undefined) {
    const emit = process.emitWarning.bind(process);
    process.emitWarning = () => undefined;
    try {
      loaded = process.getBuiltinModule('node:sqlite');
    } finally {
      process.emitWarning = emit;
    }
  }
  return loaded.DatabaseSync;
}
