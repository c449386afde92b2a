import { constants, lstat, open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, WaxsealError } from '../../errors/index.ts';
import { LOCK_FILE } from '../../files/index.ts';

/** Permissions of everybody but the owner. */
export const OTHERS = 0o077;

/** What a walk met. */
export interface Place {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly dev: number;
  readonly ino: number;
}

/** A folder and everything in it, links not followed; lock files, which hold nothing, are left out. */
export async function walk(folder: string): Promise<Place[]> {
  const root = await realpath(folder);
  const places = [await placeOf(root)];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) places.push(...(await walk(path)));
    else if (entry.name !== LOCK_FILE) places.push(...(await placeOf(path).then(one, gone)));
  }
  return places;
}

const one = (place: Place): Place[] => [place];

/** A temporary file may go while it is looked at. */
function gone(error: unknown): Place[] {
  if (systemCode(error) === 'ENOENT') return [];
  throw error;
}

async function placeOf(path: string): Promise<Place> {
  const facts = await lstat(path);
  const kind = facts.isDirectory() ? 'folder' : facts.isFile() ? 'file' : facts.isSymbolicLink() ? 'link' : 'other';
  const { mode, uid, dev, ino } = facts;
  return { path, kind, mode, uid, dev, ino };
}

/**
 * Takes the permissions of group and others away from what was looked at, and from nothing else: a link that somebody
 * lays there meanwhile is not followed, and what belongs to another user is left, so that root, who may change
 * everything, is not led elsewhere by the owner of a home.
 *
 * @throws WaxsealError `ERR_INPUT_CHANGED` for another file than was looked at, `ERR_NOT_WRITABLE` for another user's
 */
export async function tighten(path: string, seen: Pick<Place, 'dev' | 'ino'>): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { mode, uid, dev, ino } = await handle.stat();
    if (dev !== seen.dev || ino !== seen.ino) {
      throw new WaxsealError('ERR_INPUT_CHANGED', `${path} was replaced meanwhile`, { object: path });
    }
    if (uid !== process.geteuid?.()) {
      throw new WaxsealError('ERR_NOT_WRITABLE', `${path} belongs to user ${String(uid)}, who has to do it`, {
        object: path,
      });
    }
    await handle.chmod(mode & 0o7777 & ~OTHERS);
  } finally {
    await handle.close();
  }
}
