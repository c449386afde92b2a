import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, systemCode } from '../../errors/index.ts';
import { damaged } from './damage.ts';
import { recordFileName } from './key-records.ts';

/** What the folder of a key holds for one version number. */
export interface ListedVersion {
  readonly hasFile: boolean;
  /** Number of state records; they are numbered from 1 without gaps. */
  readonly states: number;
}

/** The folder of a key: version number to what is there, ascending. Never empty. */
export type Listing = ReadonlyMap<number, ListedVersion>;

const VERSION_FILE = /^([0-9]{8})\.json$/;
const STATE_FILE = /^([0-9]{8})\.state-([0-9]{4})\.json$/;

/**
 * Lists the folder of a key. One `readdir`: cheap enough to be done for every wrap and unwrap, so that what other
 * processes rotate or disable is noticed at once.
 *
 * @returns undefined when there is no such key
 */
export async function listKeyFolder(path: string): Promise<Listing | undefined> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, 'read', path, true);
  }
  const files = new Set<number>();
  const sequences = new Map<number, number[]>();
  for (const name of names) {
    const version = VERSION_FILE.exec(name)?.[1];
    if (version !== undefined) files.add(Number(version));
    const [, n, sequence] = STATE_FILE.exec(name) ?? [];
    if (n === undefined || sequence === undefined) continue;
    sequences.set(Number(n), [...(sequences.get(Number(n)) ?? []), Number(sequence)]);
  }
  const listing = new Map<number, ListedVersion>();
  for (const n of [...new Set([...files, ...sequences.keys()])].sort((a, b) => a - b)) {
    const found = sequences.get(n) ?? [];
    // A missing record in the middle would silently bring a state back that somebody had ended.
    for (let sequence = 1; sequence <= found.length; sequence++) {
      if (!found.includes(sequence)) throw damaged(join(path, recordFileName({ n, sequence })), 'it is missing');
    }
    listing.set(n, { hasFile: files.has(n), states: found.length });
  }
  return listing.size === 0 ? undefined : listing;
}

export function newestOf(listing: Listing): number {
  return Math.max(...listing.keys());
}
