import { facts } from './facts.ts';

/** The data is bad, or not what it was taken for. Exit code 3. */
export const DATA = facts({
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
  ERR_SHREDDED: {
    exit: 3,
    retryable: false,
    meaning: 'every wrap of the data key was erased from the object, as shred does',
    next: 'nothing opens this copy; one that was made before it was shredded still may: waxseal repair OBJECT --from COPY',
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
});
