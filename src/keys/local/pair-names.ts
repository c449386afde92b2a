import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, systemCode } from '../../errors/index.ts';
import { isLocalName } from '../uri.ts';

/** Folder of the pairs in the folder of the keyring. */
export const PAIRS_FOLDER = 'x25519';

/** The names of all pairs, sorted. */
export async function listPairNames(ringFolder: string): Promise<string[]> {
  const folder = join(ringFolder, PAIRS_FOLDER);
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fromSystemError(error, 'read', folder, true);
  }
  const names = entries.map((entry) => /^(.*)\.json$/.exec(entry.name)?.[1] ?? '');
  return names.filter(isLocalName).sort();
}
