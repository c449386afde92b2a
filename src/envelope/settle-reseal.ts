import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isWaxsealError } from '../errors/index.ts';
import { syncFolder } from '../files/index.ts';
import { belongsTo, nextPathOf } from './detached.ts';
import type { Head } from './format/head.ts';
import { readHead } from './read-head.ts';
import { fileSource, type OpenSource } from './source.ts';

/**
 * Ends a reseal of a detached object that was interrupted after its payload was replaced: the header that fits the
 * payload gets its name (SPEC section "Reseal"). Nothing is done where header and payload belong together, or where
 * nothing says that they do not. Call it under the lock of the folder.
 *
 * @returns whether a header was put in its place
 */
export async function settleReseal(headerPath: string, payloadPath: string): Promise<boolean> {
  const next = await headOf(nextPathOf(headerPath));
  if (next === undefined) return false;
  const payload = await existing(payloadPath);
  if (payload === undefined) return false;
  try {
    const current = await headOf(headerPath);
    if (current !== undefined && (await belongsTo(current, payload))) return false;
    if (!(await belongsTo(next, payload))) return false;
  } finally {
    await payload.close();
  }
  await rename(nextPathOf(headerPath), headerPath);
  await syncFolder(dirname(headerPath));
  return true;
}

/** The head of a detached header; undefined when there is none that can be read. */
async function headOf(path: string): Promise<Head | undefined> {
  const source = await existing(path);
  if (source === undefined) return undefined;
  try {
    const { head } = await readHead(source);
    return head.geometry.layout === 'detached' ? head : undefined;
  } catch (error) {
    if (isWaxsealError(error)) return undefined;
    throw error;
  } finally {
    await source.close();
  }
}

async function existing(path: string): Promise<OpenSource | undefined> {
  try {
    return await fileSource(path);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) return undefined;
    throw error;
  }
}
