import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, systemCode } from '../../errors/index.ts';
import { readPrivateFile } from './private-files.ts';
import { type JsonRecord, parseRecord } from './record.ts';

/** The note of the last backup lists every version; all other files are small. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * When the newest record of a keyring says that it was written. Needs no unlocking, so that nothing of it is
 * authenticated: good for comparing with a clock, and for nothing else. Files that cannot be read are stepped over.
 *
 * @param folder of the keyring
 * @returns undefined when no file says a time
 * @throws WaxsealError `ERR_IO` when the folder cannot be read
 */
export async function newestRecordTime(folder: string): Promise<Date | undefined> {
  let newest: number | undefined;
  for (const name of await filesIn(folder)) {
    if (!name.endsWith('.json')) continue;
    const record = await read(join(folder, name));
    for (const value of [record?.created, record?.at]) {
      const time = typeof value === 'string' ? Date.parse(value) : NaN;
      if (!Number.isNaN(time) && (newest === undefined || time > newest)) newest = time;
    }
  }
  return newest === undefined ? undefined : new Date(newest);
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fromSystemError(error, 'read', folder, true);
  }
}

async function read(path: string): Promise<JsonRecord | undefined> {
  try {
    const bytes = await readPrivateFile(path, { maxBytes: MAX_BYTES, private: false });
    return bytes === undefined ? undefined : parseRecord(bytes, path);
  } catch {
    return undefined;
  }
}
