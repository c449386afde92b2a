import { DATA } from './codes/data.ts';
import { FAILED } from './codes/failed.ts';
import { facts } from './codes/facts.ts';
import { KEY } from './codes/key.ts';
import { USAGE } from './codes/usage.ts';

export type { CodeFacts } from './codes/facts.ts';

/**
 * Every error code of Waxseal, in one table: what it means, what to do next, whether trying again can help,
 * and the exit code that the command line gives for it (0 done, 1 failed, 2 usage, 3 data, 4 key, 5 mixed).
 *
 * A new code goes into the file of its exit code; `npm run docs:errors` then writes the table of the README, which a
 * test compares with this one.
 */
export const ERROR_CODES = facts({ ...FAILED, ...USAGE, ...DATA, ...KEY });

/** A code of {@link WaxsealError}. */
export type ErrorCode = keyof typeof ERROR_CODES;
