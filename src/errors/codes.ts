/**
 * Every error code of Waxseal, in one table: what it means, what to do next, whether trying again can help,
 * and the exit code that the command line gives for it (0 done, 1 failed, 2 usage, 3 data, 4 key, 5 mixed).
 *
 * The troubleshooting table in the README is checked against this one by a test.
 */
export interface CodeFacts {
  /** Exit code of the command line. */
  readonly exit: 1 | 2 | 3 | 4;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  /** What happened, in one clause. */
  readonly meaning: string;
  /** What the person who meets it does next. */
  readonly next: string;
}

const facts = <T extends Record<`ERR_${string}`, CodeFacts>>(table: T): Readonly<T> => Object.freeze(table);

export const ERROR_CODES = facts({
  // 1: failed
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

  // 2: usage
  ERR_USAGE: {
    exit: 2,
    retryable: false,
    meaning: 'the request is unknown or ambiguous',
    next: 'see --help for the command',
  },
  ERR_OUTPUT_EXISTS: {
    exit: 2,
    retryable: false,
    meaning: 'the output exists already',
    next: 'choose another output, or pass --force to replace it',
  },
  ERR_KEY_EXISTS: {
    exit: 2,
    retryable: false,
    meaning: 'a key or keyring of that name exists already',
    next: 'choose another name, or use the one that exists',
  },
  ERR_CONFIG: {
    exit: 2,
    retryable: false,
    meaning: 'the configuration cannot be used',
    next: 'correct the field that is named',
  },
  ERR_LAST_RECIPIENT: {
    exit: 2,
    retryable: false,
    meaning: 'removing the last recipient would lose the data',
    next: 'add another recipient first; to give the data up, delete the object',
  },
  ERR_RECIPIENT_NOT_FOUND: {
    exit: 2,
    retryable: false,
    meaning: 'the object has no such recipient',
    next: 'see the recipients with inspect',
  },
  ERR_RECIPIENT_EXISTS: {
    exit: 2,
    retryable: false,
    meaning: 'the object has that recipient already',
    next: 'nothing to do; use rewrap to bring it to the current key version',
  },
  ERR_UNSUPPORTED_NODE: {
    exit: 2,
    retryable: false,
    meaning: 'this version of Node.js is too old',
    next: 'use Node.js 22.18 or newer',
  },

  // 3: the data is bad
  ERR_NOT_SEALED: {
    exit: 3,
    retryable: false,
    meaning: 'the input is not a sealed object',
    next: 'check that this is the .wax file; a file that was never sealed needs no opening',
  },
  ERR_UNSUPPORTED_VERSION: {
    exit: 3,
    retryable: false,
    meaning: 'the object was written in a format that this version does not know',
    next: 'upgrade waxseal; if the object was made by this version, its head is damaged: run repair',
  },
  ERR_MALFORMED: {
    exit: 3,
    retryable: false,
    meaning: 'the head of the object breaks a rule of the format',
    next: 'fetch the object again from where it came; if that is the only copy, run verify to see what is left',
  },
  ERR_LIMIT_EXCEEDED: {
    exit: 3,
    retryable: false,
    meaning: 'a length or a count in the object is over the limit of the format',
    next: 'the object was damaged or forged: fetch it again from where it came',
  },
  ERR_HEADER_DAMAGED: {
    exit: 3,
    retryable: false,
    meaning: 'head or recipients are damaged in every copy that the object carries',
    next: 'run repair with another copy of the object: waxseal repair OBJECT --from COPY',
  },
  ERR_TRUNCATED: {
    exit: 3,
    retryable: false,
    meaning: 'the object ends before its end',
    next: 'fetch the whole object again',
  },
  ERR_TRAILING_DATA: {
    exit: 3,
    retryable: false,
    meaning: 'there are bytes after the end of the object',
    next: 'fetch the object again; something was appended to it',
  },
  ERR_AUTHENTICATION: {
    exit: 3,
    retryable: false,
    meaning: 'authentication failed: wrong key, or the object was changed',
    next: 'fetch the object again; if that does not help, it was changed or sealed under another key of the same name',
  },
  ERR_WRONG_TYPE: {
    exit: 3,
    retryable: false,
    meaning: 'the object is of another type than the one asked for',
    next: 'use the command for its type (inspect shows it)',
  },
  ERR_UNEXPECTED_OBJECT: {
    exit: 3,
    retryable: false,
    meaning: 'the object is not the expected one (id, context or wrap)',
    next: 'check that the right object lies under this name',
  },
  ERR_RANGE_NOT_SATISFIABLE: {
    exit: 3,
    retryable: false,
    meaning: 'the range lies outside the object',
    next: 'ask for a range inside the size that inspect shows',
  },

  // 4: the key
  ERR_NO_MATCHING_KEY: {
    exit: 4,
    retryable: false,
    meaning: 'none of the keys at hand is a recipient of the object',
    next: 'inspect shows which keys it needs; name one with -k, or use the home that holds it',
  },
  ERR_KEY_NOT_FOUND: {
    exit: 4,
    retryable: false,
    meaning: 'the key or the key version does not exist',
    next: 'see what exists with key list; restore the keyring from its backup if a version is missing',
  },
  ERR_KEY_DENIED: {
    exit: 4,
    retryable: false,
    meaning: 'the key may not be used by this caller',
    next: 'ask the owner of the key for the permission that is named',
  },
  ERR_KEY_DISABLED: {
    exit: 4,
    retryable: false,
    meaning: 'the state of the key version forbids this use',
    next: 'see the state with key show; enable the version again if that was a mistake',
  },
  ERR_KEYRING_NOT_FOUND: {
    exit: 4,
    retryable: false,
    meaning: 'there is no keyring in the home folder',
    next: 'run waxseal init, or name the right home with --home',
  },
  ERR_KEYRING_PERMISSIONS: {
    exit: 4,
    retryable: false,
    meaning: 'others can read or change the keyring, so it is refused',
    next: 'take the permissions away with the chmod that the message names; if others had access, rotate the keys and seal anew',
  },
  ERR_KEYRING_DAMAGED: {
    exit: 4,
    retryable: false,
    meaning: 'a file of the keyring is damaged',
    next: 'restore the keyring from its backup: waxseal key restore FILE',
  },
  ERR_WRONG_PASSPHRASE: {
    exit: 4,
    retryable: false,
    meaning: 'the passphrase or key file does not unlock the keyring',
    next: 'try again; nobody can recover a lost passphrase, but a backup may have another one',
  },
  ERR_INVALID_KEY_URI: {
    exit: 4,
    retryable: false,
    meaning: 'the key URI cannot be used',
    next: 'see the forms in the README; a local key is local:NAME',
  },
  ERR_PROVIDER_UNAVAILABLE: {
    exit: 4,
    retryable: true,
    meaning: 'the key provider cannot be reached',
    next: 'check network and endpoint, then run the command again',
  },
  ERR_PROVIDER_RESPONSE: {
    exit: 4,
    retryable: false,
    meaning: 'the key provider answered with something that breaks its contract',
    next: 'nothing was written; check the endpoint and report the answer to the operator of the provider',
  },
  ERR_PROVIDER_UNSUPPORTED: {
    exit: 4,
    retryable: false,
    meaning: 'the key provider cannot do that',
    next: 'see the capability table in providers/README.md',
  },
  ERR_VETOED: {
    exit: 4,
    retryable: false,
    meaning: 'a guard refused the operation before the key was used',
    next: 'read the cause: it is the rule that refused',
  },
});

/** A code of {@link WaxsealError}. */
export type ErrorCode = keyof typeof ERROR_CODES;
