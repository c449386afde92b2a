import { existsSync, lstatSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const INSTALLED = join(import.meta.dirname, 'pkcs11/node_modules/graphene-pk11');
const LINK = join(import.meta.dirname, '../../node_modules/graphene-pk11');

/**
 * Whether the binding of PKCS#11 is there (`npm run servers:install`). It is compiled on installation, so it stands in a
 * package of its own; a link lets the product find it where a user would have installed it.
 */
export function hasGraphene(): boolean {
  if (!existsSync(join(INSTALLED, '../pkcs11js/build/Release/pkcs11.node'))) return false;
  if (existsSync(LINK)) return true;
  if (lstatSync(LINK, { throwIfNoEntry: false }) !== undefined) rmSync(LINK);
  try {
    symlinkSync(INSTALLED, LINK, 'dir');
  } catch (error) {
    // Another test process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return true;
}
