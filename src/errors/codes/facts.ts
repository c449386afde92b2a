/** What is known about an error code beside its name. */
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

/** Checks a part of the table and keeps the names of its codes in the type. */
export const facts = <T extends Record<`ERR_${string}`, CodeFacts>>(table: T): Readonly<T> => Object.freeze(table);
