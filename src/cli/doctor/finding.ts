import { describeError } from '../output.ts';

/**
 * What a finding means for whoever reads it: `ok`, good; `info`, good to know; `warning`, to be attended to; `problem`,
 * something fails or is in danger now.
 */
export type Status = 'ok' | 'info' | 'warning' | 'problem';

/** One thing that doctor found; stands in the JSON document as it is. */
export interface Finding {
  /** Name of the check, for instance `backup`. */
  readonly check: string;
  readonly status: Status;
  /** What is there and what it means. */
  readonly message: string;
  /** The remedy, a command to copy where there is one. */
  readonly next?: string | undefined;
  /** Whether `--fix` mends it. */
  readonly fixable?: boolean | undefined;
  /** Whether `--fix` has mended it. */
  readonly fixed?: boolean | undefined;
}

/** The finding for an error that a check met. */
export function failed(check: string, error: unknown): Finding {
  const { message, code, next } = describeError(error);
  return { check, status: 'problem', message: `${message} [${code}]`, next };
}

/** What a finding becomes when it is mended. */
export interface Mending {
  readonly work: () => Promise<void>;
  /** Status, message and remedy afterwards: what mending cannot undo is still told. */
  readonly after: Pick<Finding, 'status' | 'message' | 'next'>;
}

/** Mends what a finding is about when `fix` says so; a mending that fails leaves the finding standing. */
export async function mend(fix: boolean, finding: Finding, { work, after }: Mending): Promise<Finding> {
  if (!fix) return { ...finding, fixable: true };
  try {
    await work();
  } catch (error) {
    const why = describeError(error).message;
    return { ...finding, fixable: true, fixed: false, message: `${finding.message}; --fix could not mend it: ${why}` };
  }
  return { check: finding.check, ...after, fixable: true, fixed: true };
}
