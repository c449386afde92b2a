import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, systemCode } from '../../errors/index.ts';
import { isLocalName } from '../uri.ts';
import { listKeyFolder } from './key-folder.ts';
import { KEYS_FOLDER } from './keyring-file.ts';

/** The names of all keys, sorted. A folder without a version is a creation that was interrupted, and no key. */
export async function listKeyNames(folder: string): Promise<string[]> {
  const keysFolder = join(folder, KEYS_FOLDER);
  let entries: Dirent[];
  try {
    entries = await readdir(keysFolder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fromSystemError(error, 'read', keysFolder, true);
  }
  const names: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || !isLocalName(entry.name)) continue;
    if ((await listKeyFolder(join(keysFolder, entry.name))) !== undefined) names.push(entry.name);
  }
  return names.sort();
}
