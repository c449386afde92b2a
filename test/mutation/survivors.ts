import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One mutant, by what it changes: line numbers move whenever somebody writes a comment. */
export interface Mutant {
  /** From the root of the project. */
  readonly file: string;
  /** As Stryker names it. */
  readonly mutator: string;
  /** The line on which it begins. */
  readonly line: string;
  /** The code that is replaced. */
  readonly code: string;
  readonly replacement: string;
}

/** A mutant that no test kills. */
export interface Survivor extends Mutant {
  /** Why it is equivalent to the original, or why that is accepted. */
  readonly reason: string;
}

const SURVIVORS = join(import.meta.dirname, 'survivors.json');

export function listedSurvivors(): readonly Survivor[] {
  return JSON.parse(readFileSync(SURVIVORS, 'utf8')) as Survivor[];
}

function identity({ file, mutator, line, code, replacement }: Mutant): string {
  return JSON.stringify([file, mutator, line, code, replacement]);
}

/** What is in `all` and not in `others`, counting: one line can stand in a file twice. */
export function without<T extends Mutant>(all: readonly T[], others: readonly Mutant[]): T[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(identity(other), (left.get(identity(other)) ?? 0) + 1);
  return all.filter((mutant) => {
    const count = left.get(identity(mutant)) ?? 0;
    left.set(identity(mutant), count - 1);
    return count <= 0;
  });
}
