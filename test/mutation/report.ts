import type { Mutant } from './survivors.ts';

interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

interface StrykerMutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  /** The end is excluded. */
  readonly location: { readonly start: Position; readonly end: Position };
}

/** The little of Stryker's report (mutation-testing-report-schema) that is used here. */
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly StrykerMutant[] }>>;
}

/** What became of the mutants of one file. */
export interface Result {
  readonly detected: number;
  readonly survived: readonly (Mutant & { readonly at: number })[];
}

const DETECTED = new Set(['Killed', 'Timeout', 'RuntimeError', 'CompileError']);

/** Whether no test told it from the original; one that no test reaches is no better. */
function survives({ status }: StrykerMutant): boolean {
  return status !== 'Ignored' && !DETECTED.has(status);
}

export function resultOf(file: string, { files }: Report): Result {
  const { source, mutants } = files[file] ?? { source: '', mutants: [] };
  const lines = source.split('\n');
  const survived = mutants.filter(survives).map(({ mutatorName: mutator, replacement = '', location }) => ({
    file,
    mutator,
    at: location.start.line,
    line: (lines[location.start.line - 1] ?? '').trim(),
    code: squeeze(cut(lines, location.start, location.end)),
    replacement: squeeze(replacement),
  }));
  return { survived, detected: mutants.filter(({ status }) => DETECTED.has(status)).length };
}

/** The places of the survivors, as Stryker's `mutate` takes them (lines from 1, columns from 0). */
export function survivorPlaces({ files }: Report): string[] {
  return Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants.filter(survives).map(({ location: { start, end } }) => {
      const [from, to] = [start, end].map(({ line, column }) => `${String(line)}:${String(column - 1)}`);
      return `${file}:${String(from)}-${String(to)}`;
    }),
  );
}

/** A report in which the survivors have the status that a later run over their places found. */
export function merged({ files }: Report, later: Report): Report {
  const found = new Map<string, string>();
  const identity = (file: string, { mutatorName, replacement, location }: StrykerMutant): string =>
    JSON.stringify([file, mutatorName, replacement, location.start, location.end]);
  for (const [file, { mutants }] of Object.entries(later.files)) {
    for (const mutant of mutants) found.set(identity(file, mutant), mutant.status);
  }
  const entries = Object.entries(files).map(([file, { source, mutants }]) => {
    const updated = mutants.map((mutant) =>
      survives(mutant) ? { ...mutant, status: found.get(identity(file, mutant)) ?? mutant.status } : mutant,
    );
    return [file, { source, mutants: updated }] as const;
  });
  return { files: Object.fromEntries(entries) };
}

/** The text between two places, the second excluded. */
function cut(lines: readonly string[], start: Position, end: Position): string {
  const picked = lines.slice(start.line - 1, end.line);
  picked[picked.length - 1] = (picked.at(-1) ?? '').slice(0, end.column - 1);
  picked[0] = (picked[0] ?? '').slice(start.column - 1);
  return picked.join('\n');
}

function squeeze(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
