import type { Context } from './context.ts';
import { EXIT, exitCodeOf, exitCodeOfAll } from './exit.ts';
import { describeError, type ErrorDocument } from './output.ts';

type Outcome<T> = { readonly ok: true; readonly path: string } & T;
interface Failure {
  readonly ok: false;
  readonly path: string;
  readonly error: ErrorDocument;
}

/**
 * Does the same to several objects. One that fails is told and stepped over; the exit code says whether all, some or
 * none were done. A single one fails as itself.
 */
export async function forEachPath<T extends object>(
  context: Context,
  paths: readonly string[],
  work: (path: string) => Promise<T>,
  { exitOf = () => EXIT.done, lead = [] }: { exitOf?: (result: T) => number; lead?: readonly object[] } = {},
): Promise<number> {
  const results: (Outcome<T> | Failure)[] = [];
  const codes: number[] = [];
  for (const path of paths) {
    try {
      const result = await work(path);
      results.push({ ok: true, path, ...result });
      codes.push(exitOf(result));
    } catch (error) {
      if ((paths.length === 1 && lead.length === 0) || context.signal.aborted) throw error;
      context.out.complain(error);
      results.push({ ok: false, path, error: describeError(error) });
      codes.push(exitCodeOf(error));
    }
  }
  const exit = exitCodeOfAll(codes);
  context.out.results([...lead, ...results], exit === EXIT.done);
  return exit;
}

/** `name=value` options as a context. */
export function parseContext(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  if (pairs === undefined) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new TypeError(`a context is given as name=value, not "${pair}"`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
