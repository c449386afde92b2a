import { readdir } from 'node:fs/promises';
import { fromSystemError, systemCode } from '../../errors/index.ts';

/** What the folder of a key holds for one version number. */
interface ListedVersion {
  readonly hasFile: boolean;
  /** Number of state records. They are numbered from 1 without gaps: whoever reads them finds out when one is missing. */
  readonly states: number;
}

/** The folder of a key: version number to what is there. Never empty. */
export type Listing = ReadonlyMap<number, ListedVersion>;

/**
 * Lists the folder of a key. One `readdir`: cheap enough to be done for every wrap and unwrap where no stamp tells that
 * nothing has changed (see folder-stamp.ts), so that what other processes rotate or disable is noticed at once.
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
  const listing = new Map<number, ListedVersion>();
  for (const name of names) {
    const [, n, sequence] = /^([0-9]{8})(?:\.state-([0-9]{4}))?\.json$/.exec(name) ?? [];
    if (n === undefined) continue;
    const { hasFile, states } = listing.get(Number(n)) ?? { hasFile: false, states: 0 };
    listing.set(Number(n), sequence === undefined ? { hasFile: true, states } : { hasFile, states: states + 1 });
  }
  return listing.size === 0 ? undefined : listing;
}

export function newestOf(listing: Listing): number {
  return Math.max(...listing.keys());
}
