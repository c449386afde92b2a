import { resolve } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import { listKeyNames } from './key-names.ts';
import { listPairNames } from './pair-names.ts';
import { requireHeader } from './open-keyring.ts';

/** What a keyring shows without being unlocked. Nothing of it is authenticated. */
export interface KeyringInfo {
  /** Id of the keyring, 32 hexadecimal digits. */
  readonly id: string;
  /** Its folder, as an absolute path. */
  readonly folder: string;
  /** When it was made. */
  readonly created: Date;
  /** What unlocks it. */
  readonly unlock: 'passphrase' | 'key-file';
  /** Names of its keys, sorted. */
  readonly names: readonly string[];
  /** Names of its X25519 key pairs, sorted. */
  readonly pairs: readonly string[];
}

/**
 * Looks at a keyring without unlocking it.
 *
 * @throws WaxsealError `ERR_KEYRING_NOT_FOUND`, `ERR_KEYRING_PERMISSIONS`, `ERR_KEYRING_DAMAGED`
 */
export async function readKeyringInfo(folder: string): Promise<KeyringInfo> {
  const root = resolve(folder);
  const { id, created, unlock } = await requireHeader(root);
  return {
    id: toHex(id),
    folder: root,
    created,
    unlock: unlock.kdf === 'scrypt' ? 'passphrase' : 'key-file',
    names: await listKeyNames(root),
    pairs: await listPairNames(root),
  };
}
