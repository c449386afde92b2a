import { ERROR_CODES, fromSystemError, isWaxsealError } from '../errors/index.ts';

/** Exit codes of the command line (README, "Exit codes"). */
export const EXIT = Object.freeze({ done: 0, failed: 1, usage: 2, data: 3, key: 4, mixed: 5, interrupted: 130 });

/** The exit code for one error. */
export function exitCodeOf(error: unknown): number {
  if (isWaxsealError(error)) return ERROR_CODES[error.code].exit;
  const system = fromSystemError(error, '', '');
  if (isWaxsealError(system)) return ERROR_CODES[system.code].exit;
  if (error instanceof TypeError || error instanceof RangeError) return EXIT.usage;
  return EXIT.failed;
}

/** The exit code for several objects: 5 when some were done and some not, the one reason's when all failed for one. */
export function exitCodeOfAll(codes: readonly number[]): number {
  const distinct = new Set(codes);
  if (distinct.size === 1) return codes[0] ?? EXIT.done;
  return distinct.size === 0 ? EXIT.done : EXIT.mixed;
}
