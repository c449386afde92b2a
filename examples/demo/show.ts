/** Lines for a person: aligned columns, colour only on a terminal. */
const colour = process.stdout.isTTY && !process.env['NO_COLOR'];

const paint = (code: number, text: string): string => (colour ? `\u001b[${String(code)}m${text}\u001b[0m` : text);

export const bold = (text: string): string => paint(1, text);
const dim = (text: string): string => paint(2, text);

export function title(text: string): void {
  console.log(`\n${bold(text)}`);
}

/** One line: a name, what happened, and the figures measured. */
export function line(name: string, what: string, figures = ''): void {
  console.log(`  ${name.padEnd(22)} ${what.padEnd(40)} ${dim(figures)}`);
}

/** A claim that this run has just put to the test; the demo fails when it does not hold. */
export function check(name: string, what: string, holds: boolean, figures = ''): void {
  console.log(`  ${name.padEnd(22)} ${holds ? paint(32, '✓') : paint(31, '✗')} ${what.padEnd(38)} ${dim(figures)}`);
  if (!holds) process.exitCode = 1;
}

export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${String(bytes)} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function ms(time: number): string {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`;
}

/** Runs `work` and tells how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; took: number }> {
  const start = performance.now();
  const result = await work();
  return { result, took: performance.now() - start };
}
