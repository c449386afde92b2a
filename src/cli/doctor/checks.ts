import { checkBackup } from './backup.ts';
import { checkClock } from './clock.ts';
import { checkConfiguration } from './configuration.ts';
import { checkDisk } from './disk.ts';
import type { Check } from './examination.ts';
import { checkHome } from './home.ts';
import { checkKeyFile } from './key-file.ts';
import { checkKeyring } from './keyring.ts';
import { checkKeys } from './keys.ts';
import { checkLocks } from './locks.ts';
import { checkReseal } from './reseal.ts';
import { checkNode, checkPlatform } from './runtime.ts';
import { checkTemporaries } from './temporaries.ts';
import { checkUnlocking } from './unlocking.ts';

/**
 * All checks, in the order that they need: the permissions of the home decide whether its configuration is read, the
 * configuration says where the keyring is, and what is mended there lets it be unlocked.
 */
export const CHECKS: readonly Check[] = [
  { name: 'node', run: () => [checkNode()] },
  { name: 'platform', run: () => [checkPlatform()] },
  { name: 'home', run: checkHome },
  { name: 'configuration', run: checkConfiguration },
  { name: 'keyring', run: checkKeyring },
  { name: 'key-file', run: checkKeyFile },
  { name: 'unlock', run: checkUnlocking },
  { name: 'keys', run: checkKeys },
  { name: 'backup', run: checkBackup },
  { name: 'temporaries', run: checkTemporaries },
  { name: 'locks', run: checkLocks },
  { name: 'reseal', run: checkReseal },
  { name: 'clock', run: checkClock },
  { name: 'disk', run: checkDisk },
];
