import { facts } from './facts.ts';

/** The work failed: disk, file system, another process, an observer. Exit code 1. */
export const FAILED = facts({
  ERR_IO: {
    exit: 1,
    retryable: false,
    meaning: 'the operating system refused a read or a write',
    next: 'read the cause; nothing at a final path was changed, so run the command again once it is fixed',
  },
  ERR_DISK_FULL: {
    exit: 1,
    retryable: false,
    meaning: 'there is no space left where the output goes',
    next: 'free space or choose another output folder, then run the command again; no partial output was left',
  },
  ERR_NOT_WRITABLE: {
    exit: 1,
    retryable: false,
    meaning: 'the file or its folder cannot be written',
    next: 'check owner, permissions and mount options of the folder that is named',
  },
  ERR_FILE_NOT_FOUND: {
    exit: 1,
    retryable: false,
    meaning: 'the file does not exist',
    next: 'check the path',
  },
  ERR_PAYLOAD_NOT_FOUND: {
    exit: 1,
    retryable: false,
    meaning: 'the payload of a detached object is not where it was looked for',
    next: 'put it beside its header (x.wax, x.floe), or name it with --payload',
  },
  ERR_NOT_A_FILE: {
    exit: 1,
    retryable: false,
    meaning: 'the path is not a regular file',
    next: 'name a regular file; pipes go through standard input with -',
  },
  ERR_SLOT_FULL: {
    exit: 1,
    retryable: false,
    meaning: 'the recipients do not fit into the slot chosen when the object was sealed',
    next: 'remove a recipient, or open the object and seal it again with a larger slot size',
  },
  ERR_INPUT_CHANGED: {
    exit: 1,
    retryable: true,
    meaning: 'a file changed while it was being read or rewrapped',
    next: 'run the command again when nothing else writes the file; no output was left',
  },
  ERR_SIZE_MISMATCH: {
    exit: 1,
    retryable: false,
    meaning: 'the plaintext is longer or shorter than the size that was promised',
    next: 'give the exact size, or none',
  },
  ERR_BUSY: {
    exit: 1,
    retryable: true,
    meaning: 'another process holds the lock or keeps changing the same object',
    next: 'wait for it to finish and run the command again',
  },
  ERR_NETWORK_FILE_SYSTEM: {
    exit: 1,
    retryable: false,
    meaning: 'rewriting in place was refused on a network file system',
    next: 'rewrap on the machine that holds the disk, or allow it explicitly if no other machine writes there',
  },
  ERR_UNVERIFIED_WRAP: {
    exit: 1,
    retryable: true,
    meaning: 'a new wrap did not unwrap to the same data key, so the old one was kept',
    next: 'check the provider of the target key, then run the command again',
  },
  ERR_OBSERVER: {
    exit: 1,
    retryable: false,
    meaning: 'the observer failed to record that the operation ended',
    next: 'repair the observer; the message says whether the operation itself had been done',
  },
  ERR_INTERNAL: {
    exit: 1,
    retryable: false,
    meaning: 'Waxseal found itself in a state that it should never reach',
    next: 'report it with the output of --json; nothing was overwritten',
  },
});
