import type { Command } from 'commander';
import type { Context } from '../context.ts';

/** What a command's module exports: it does the work and gives the exit code. */
export type Run<Options> = (context: Context, args: readonly string[], options: Options) => Promise<number>;

/** Adds a command; its module is loaded when the command runs. */
export type Add = <Options>(
  parent: Command,
  usage: string,
  description: string,
  load: () => Promise<{ readonly run: Run<Options> }>,
  help: string,
  /** Whether `--help` and completion leave it out. */
  hidden?: boolean,
) => Command;

export const NOT_REVOCATION = `
Rewrapping is not revocation: whoever could open the object before may have kept its data key or a copy.
If a data key may have leaked, reseal the object: waxseal reseal.`;

/** What `--payload` means, where an object is read. */
export const PAYLOAD = 'payload of a detached object, where it does not lie beside its header';

/** What `-k` means, where an object is opened. */
export const TRY = 'open with this key alone, instead of all of keyring and configuration; repeatable';

/** What `--share` means, where an object is opened. */
export const SHARE = 'share that a custodian of a quorum sent (waxseal quorum share); repeatable';

/** A variadic option would swallow the paths behind it: each value takes an option of its own. */
export function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

/** The examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  const shown = lines.map((line) => `  $ ${line.includes('|') ? line : `waxseal ${line}`}`);
  return `\nExamples:\n${shown.join('\n')}\n`;
}
