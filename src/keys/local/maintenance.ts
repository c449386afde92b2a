/**
 * What makes and keeps keys, and the X25519 pairs: loaded when it is first asked for, because sealing and opening with a
 * local key needs none of it.
 */
export { writeBackup } from './backup.ts';
export { changeKeyringUnlock } from './change-unlock.ts';
export { readLastBackup, writeLastBackup } from './last-backup.ts';
export { createKey, rotateKey, setKeyState } from './lifecycle.ts';
export { RingPairs } from './ring-pairs.ts';
