/**
 * Writes README's table of errors from `ERROR_CODES`.
 *
 *     node test/docs/error-table.ts [--check]
 *
 * `--check` writes nothing and exits with 1 when the table is an old one.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../../src/errors/index.ts';

const README = join(import.meta.dirname, '../../README.md');
const BEGIN = '<!-- errors:begin -->\n';
const END = '\n<!-- errors:end -->';

const HEAD = ['| code | exit | what happened | what to do next |', '|---|---|---|---|'];

/** The table as `ERROR_CODES` has it. */
export function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { exit, meaning, next }]) =>
    ['', ` \`${code}\` `, ` ${String(exit)} `, ` ${cell(meaning)} `, ` ${cell(next)} `, ''].join('|'),
  );
  return [...HEAD, ...rows].join('\n');
}

/** The table that a document has between its marks. */
export function tableIn(markdown: string): string {
  const { begin, end } = marks(markdown);
  return markdown.slice(begin, end);
}

/** The document with the table as `ERROR_CODES` has it. */
export function withErrorTable(markdown: string): string {
  const { begin, end } = marks(markdown);
  return markdown.slice(0, begin) + errorTable() + markdown.slice(end);
}

function marks(markdown: string): { begin: number; end: number } {
  const mark = markdown.indexOf(BEGIN);
  const end = markdown.indexOf(END, mark);
  if (mark < 0 || end < 0 || markdown.includes(BEGIN, mark + 1)) {
    throw new RangeError(`the document has no ${BEGIN.trim()} … ${END.trim()}, or more than one`);
  }
  return { begin: mark + BEGIN.length, end };
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) {
  const before = readFileSync(README, 'utf8');
  const after = withErrorTable(before);
  if (before === after) {
    console.log('README.md: the table of errors is current');
  } else if (process.argv.includes('--check')) {
    console.log('README.md: the table of errors is old; write it with npm run docs:errors');
    process.exitCode = 1;
  } else {
    writeFileSync(README, after);
    console.log('README.md: the table of errors was written');
  }
}
