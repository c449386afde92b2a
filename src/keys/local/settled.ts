import { isWaxsealError } from '../../errors/index.ts';
import type { Listing } from './key-folder.ts';
import type { KeyStore } from './key-store.ts';

/**
 * Tries `work` again when a version was destroyed under it: its file is overwritten before it is removed, so that a
 * reader may meet it half way. Then the state record is there to say so.
 */
export async function settled<T>(store: KeyStore, work: (listing: Listing) => Promise<T>): Promise<T> {
  for (;;) {
    const listing = await store.list();
    try {
      return await work(listing);
    } catch (error) {
      if (!isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw error;
      if (sameListing(listing, await store.list())) throw error;
    }
  }
}

function sameListing(a: Listing, b: Listing): boolean {
  if (a.size !== b.size) return false;
  for (const [n, { hasFile, states }] of a) {
    const other = b.get(n);
    if (other?.hasFile !== hasFile || other.states !== states) return false;
  }
  return true;
}
