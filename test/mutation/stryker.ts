import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What brings Stryker: it is too large for the plain `npm ci`. */
export const INSTALL_STRYKER = 'npm ci --prefix test/mutation';

/** Its command, a script for Node. */
export const STRYKER = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');

export function hasStryker(): boolean {
  return existsSync(STRYKER);
}
