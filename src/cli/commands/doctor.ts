import type { Context, GlobalOptions } from '../context.ts';
import { CHECKS } from '../doctor/checks.ts';
import { Examination } from '../doctor/examination.ts';
import type { Finding, Status } from '../doctor/finding.ts';
import { findFolders } from '../doctor/folders.ts';
import { runChecks } from '../doctor/runner.ts';
import { word } from '../doctor/wording.ts';
import { EXIT } from '../exit.ts';
import { KEY_SCHEMES } from '../../keys/uri.ts';
import { checkRemoteKeys } from '../doctor/remote-keys.ts';
import { count, type Output, printable } from '../output.ts';

interface Options extends GlobalOptions {
  fix?: boolean;
  recursive?: boolean;
}

const MARKS: Readonly<Record<Status, string>> = { ok: '✓', info: 'i', warning: '!', problem: '✗' };

/** Examines what exists, and ends with 1 when there is a problem. */
export async function run(context: Context, targets: readonly string[], options: Options): Promise<number> {
  const keys = targets.filter(isKeyUri);
  const paths = targets.filter((target) => !keys.includes(target));
  if (keys.length > 0 && paths.length === 0) return examineKeys(context, keys, options);
  const { findings: unreadable, ...places } = await findFolders(paths, options.recursive === true);
  const examination = new Examination(context, { fix: options.fix === true, home: options.home, ...places });
  let findings: Finding[];
  try {
    findings = [...(await runChecks(CHECKS, examination)), ...unreadable, ...(await checkRemoteKeys(context, keys))];
  } finally {
    examination.close();
  }
  return report(context, findings, options, examination.command(fixLine(targets, options)));
}

/** Keys alone: nothing of home and keyring is looked at. */
async function examineKeys(context: Context, keys: readonly string[], options: Options): Promise<number> {
  return report(context, await checkRemoteKeys(context, keys), options, '');
}

function report({ out }: Context, findings: readonly Finding[], options: Options, fix: string): number {
  const problems = findings.filter(({ status }) => status === 'problem').length;
  out.results(findings, problems === 0);
  tell(out, findings, options.quiet === true);
  if (options.quiet !== true) summarize(out, findings, fix);
  return problems === 0 ? EXIT.done : EXIT.failed;
}

/** Key URIs and paths stand side by side; a file of such a name is meant by ./NAME. */
function isKeyUri(target: string): boolean {
  return KEY_SCHEMES.some((scheme) => target.startsWith(`${scheme}:`));
}

function tell(out: Output, findings: readonly Finding[], quiet: boolean): void {
  if (out.json) return;
  for (const { check, status, message, next, fixed } of findings) {
    if (quiet && status !== 'warning' && status !== 'problem') continue;
    const line = `${MARKS[status]} ${check}: ${printable(message)}${fixed === true ? ' - fixed' : ''}`;
    // Not `say`, which --quiet silences: here it is what was asked for.
    process.stdout.write(`${line}\n`);
    if (status !== 'ok' && next !== undefined) process.stdout.write(`    ${printable(next)}\n`);
  }
}

function summarize(out: Output, findings: readonly Finding[], fixLine: string): void {
  const number = (wanted: Status): number => findings.filter(({ status }) => status === wanted).length;
  const mendable = findings.filter(({ fixable, fixed }) => fixable === true && fixed === undefined).length;
  const fixed = findings.filter((finding) => finding.fixed === true).length;
  out.say();
  if (mendable > 0) out.say(`${count(mendable, 'finding')} can be mended by: ${fixLine}`);
  const parts = [
    count(number('problem'), 'problem'),
    count(number('warning'), 'warning'),
    `${String(number('ok'))} ok`,
  ];
  if (fixed > 0) parts.push(`${String(fixed)} fixed`);
  out.say(`${parts.join(', ')}.`);
}

function fixLine(paths: readonly string[], { recursive }: Options): string {
  return ['doctor', '--fix', ...(recursive === true ? ['-r'] : []), ...paths.map(word)].join(' ');
}
