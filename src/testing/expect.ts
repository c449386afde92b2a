import { type ErrorCode, WaxsealError } from '../errors/index.ts';

/** Fails a case: the message says which promise of the port was broken. */
export class ConformanceError extends Error {
  /** Always `ConformanceError`. */
  override readonly name = 'ConformanceError';
}

export function assert(condition: boolean, broken: string): asserts condition {
  if (!condition) throw new ConformanceError(broken);
}

export function assertBytes(actual: Uint8Array, expected: Uint8Array, broken: string): void {
  assert(actual.length === expected.length && Buffer.compare(actual, expected) === 0, broken);
}

/** Demands that `work` rejects with one of the codes. */
export async function assertRefused(
  work: () => Promise<unknown>,
  codes: readonly ErrorCode[] | 'any code',
  what: string,
): Promise<void> {
  assertRefusal(await rejection(work, what), codes, what);
}

/** Demands that something was refused with one of the codes. */
export function assertRefusal(error: unknown, codes: readonly ErrorCode[] | 'any code', what: string): void {
  const shown = codes === 'any code' ? 'a WaxsealError' : codes.join(' or ');
  assert(error instanceof WaxsealError, `${what} must be refused with ${shown}, but it failed with ${name(error)}`);
  assert(
    codes === 'any code' || codes.includes(error.code),
    `${what} must be refused with ${shown}, but it was ${error.code}: ${error.message}`,
  );
}

/** What `work` rejects with; fails when it does not. */
export async function rejection(work: () => Promise<unknown>, what: string): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new ConformanceError(`${what} must be refused, but it was accepted`);
}

export function name(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
