import { join } from 'node:path';

/** Where servers are installed and built; not in the repository. */
export const CACHE = join(import.meta.dirname, '../.cache/servers');
