export { atomicWrite, type AtomicOptions, type AtomicOutput, openAtomicOutput, syncFolder } from './atomic.ts';
export { networkFileSystem } from './file-system.ts';
export { LOCK_FILE, type LockOptions, withFolderLock } from './lock.ts';
export { readFully, writeFully, writeParts } from './positional.ts';
export { removeStaleTemporaries } from './temporaries.ts';
