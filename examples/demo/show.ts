/** Lines for a person: aligned columns, colour only on a terminal. */
const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
const WIDTH = 96;
const LABEL = 24;

const paint = (code: number, text: string): string => (colour ? `\u001b[${String(code)}m${text}\u001b[0m` : text);
const bold = (text: string): string => paint(1, text);
const dim = (text: string): string => paint(2, text);

export function title(text: string): void {
  console.log(`\n${bold(text)}`);
}

/** One line: a name, then cells, each as wide as the number in front of it (negative: aligned to the right). */
export function line(name: string, ...cells: readonly (readonly [width: number, text: string])[]): void {
  const row = cells.map(([width, text]) => (width < 0 ? text.padStart(-width) : text.padEnd(width)));
  console.log(`  ${name.padEnd(LABEL)}${row.join('  ')}`.trimEnd());
}

/** A claim that this run has just put to the test; the demo fails when it does not hold. */
export function check(holds: boolean, text: string): string {
  if (!holds) process.exitCode = 1;
  return `${holds ? paint(32, '✓') : paint(31, '✗')} ${text}`;
}

/** An aside under a line, broken at words. */
export function aside(text: string): void {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length < WIDTH - LABEL - 4) lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    else lines.push(word);
  }
  for (const part of lines) console.log(`  ${' '.repeat(LABEL)}  ${dim(part)}`);
}

export const count = (n: number): string => n.toLocaleString('en');
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
export const ms = (time: number): string => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

/** Runs `work` and tells how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; took: number }> {
  const start = performance.now();
  const result = await work();
  return { result, took: performance.now() - start };
}
