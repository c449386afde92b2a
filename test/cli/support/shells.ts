import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The shells that completion is made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const FLAGS: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['--norc', '--noprofile'],
  zsh: ['-f'],
  fish: ['--no-config'],
};

/** Shells that this machine does not have. */
export function missingShells(): Shell[] {
  return SHELLS.filter((shell) => spawnSync(shell, [...FLAGS[shell], '-c', 'true']).status !== 0);
}

/** What a shell offers at the end of each line, with the completion script in a file. */
export function candidates(
  shell: Shell,
  script: string,
  lines: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Map<string, string[]> {
  const driver = join(import.meta.dirname, `complete.${shell}`);
  const { status, stdout, stderr } = spawnSync(shell, [...FLAGS[shell], driver, script, ...lines], {
    ...options,
    encoding: 'utf8',
  });
  if (status !== 0 || stderr !== '') throw new RangeError(`${shell} ended with ${String(status)}: ${stderr}`);
  const found = new Map<string, string[]>();
  let current: string[] = [];
  for (const text of stdout.split('\n')) {
    if (text.startsWith('=> ')) found.set(text.slice(3), (current = []));
    // Folders come with or without their slash, names with or without their quoting.
    else if (text !== '') current.push(text.replaceAll('\\', '').replace(/\/$/, ''));
  }
  return new Map([...found].map(([line, texts]) => [line, [...new Set(texts)].sort()]));
}
