export { type AtomicOptions, type AtomicOutput, openAtomicOutput, syncFolder } from './atomic.ts';
export { networkFileSystem } from './file-system.ts';
export { LOCK_FILE, withFolderLock } from './lock.ts';
export { readFully, writeFully, writeParts } from './positional.ts';
export { listTemporaries, removeStaleTemporaries, temporaryName, type TemporaryOwner } from './temporaries.ts';
