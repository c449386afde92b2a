/** The `local:` keyring: keys in a folder of this machine, under a passphrase or a key file. */
export type { BackupReport } from './backup.ts';
export { type KeyringInfo, readKeyringInfo } from './info.ts';
export { LocalKeyring } from './keyring.ts';
export type { LastBackup } from './last-backup.ts';
export { LocalX25519Key } from './pair-store.ts';
export { createLocalKeyring, type KeyringOptions, openLocalKeyring } from './open-keyring.ts';
export { type RestoreReport, restoreLocalKeyring } from './restore.ts';
export type { ScryptCost } from './scrypt.ts';
export type { Unlock } from './unlock.ts';
