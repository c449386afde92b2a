export { type AtomicOutput, openAtomicOutput, syncFolder } from './atomic.ts';
export { networkFileSystem } from './file-system.ts';
export { withFolderLock } from './lock.ts';
export { readFully, writeFully, writeParts } from './positional.ts';
export { removeStaleTemporaries } from './temporaries.ts';
