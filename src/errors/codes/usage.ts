import { facts } from './facts.ts';

/** What was asked for is unknown, ambiguous or refused. Exit code 2. */
export const USAGE = facts({
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
  ERR_RECIPIENT_NOT_ALLOWED: {
    exit: 2,
    retryable: false,
    meaning: 'the object names a recipient that a reseal was not told to keep',
    next: 'name its key with -k to keep it, or pass --drop-others to leave it out',
  },
  ERR_UNSUPPORTED_NODE: {
    exit: 2,
    retryable: false,
    meaning: 'this version of Node.js is too old',
    next: 'use Node.js 22.18 or newer',
  },
});
