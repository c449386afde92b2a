import { readFileSync } from 'node:fs';
import type { Mutant } from './survivors.ts';

interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** The little of Stryker's report (mutation-testing-report-schema) that is used here. */
interface StrykerReport {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly mutatorName: string;
          readonly replacement?: string;
          readonly status: string;
          readonly location: { readonly start: Position; readonly end: Position };
        }[];
      }
    >
  >;
}

/** What became of the mutants of one shard. */
export interface Result {
  readonly detected: number;
  readonly survived: readonly (Mutant & { readonly at: number })[];
}

const DETECTED = new Set(['Killed', 'Timeout', 'RuntimeError', 'CompileError']);

export function readReport(path: string): Result {
  const { files } = JSON.parse(readFileSync(path, 'utf8')) as StrykerReport;
  let detected = 0;
  const survived: (Mutant & { at: number })[] = [];
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const lines = source.split('\n');
    for (const { mutatorName: mutator, replacement, status, location } of mutants) {
      if (status === 'Ignored') continue;
      if (DETECTED.has(status)) {
        detected += 1;
        continue;
      }
      const { start, end } = location;
      survived.push({
        file,
        mutator,
        at: start.line,
        line: (lines[start.line - 1] ?? '').trim(),
        code: squeeze(cut(lines, start, end)),
        replacement: squeeze(replacement ?? ''),
      });
    }
  }
  return { detected, survived };
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
