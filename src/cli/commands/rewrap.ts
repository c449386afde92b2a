import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type EntryOutcome, rewrap } from '../../envelope/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';
import { count, formatBytes, formatMs } from '../output.ts';
import { versionLabel } from '../version-label.ts';

export interface RewrapCommandOptions {
  key?: string[];
  share?: string[];
  blind?: boolean;
  recursive?: boolean;
  from?: string;
  to?: string;
  dryRun?: boolean;
  allowNetworkFs?: boolean;
}

export async function run(context: Context, paths: readonly string[], options: RewrapCommandOptions): Promise<number> {
  if (options.from !== undefined && options.to === undefined) throw new TypeError('rewrap: --from goes with --to');
  if (options.blind === true && options.to !== undefined) {
    throw new TypeError('rewrap: --blind keeps the keys as they are: it excludes --from and --to');
  }
  return rewrapFiles(context, await expand(paths, options.recursive === true), options, []);
}

/** Rewraps files and tells of each; `lead` are results of what was done before. */
export async function rewrapFiles(
  context: Context,
  files: readonly string[],
  options: RewrapCommandOptions,
  lead: readonly object[],
): Promise<number> {
  const { out } = context;
  const keys = await context.allKeys(options.key, options.share);
  const to = options.to === undefined ? undefined : await context.target(options.to);
  const from = options.from === undefined ? undefined : await context.recordedUri(options.from);
  const { dryRun, blind } = options;
  let changed = 0;
  let written = 0;
  const started = performance.now();
  const exit = await forEachPath(
    context,
    files,
    async (path) => {
      const begun = performance.now();
      const report = await rewrap(path, keys, {
        from,
        to,
        dryRun,
        blind,
        observe: context.observe,
        signal: context.signal,
        allowNetworkFileSystem: options.allowNetworkFs,
      });
      const ms = performance.now() - begun;
      changed += report.changed ? 1 : 0;
      written += report.bytesWritten;
      const what = report.entries.map(describe).join('; ');
      const verb = report.changed ? (dryRun === true ? 'would be rewrapped' : 'rewrapped') : 'nothing to do';
      out.say(`${path}: ${verb} (${what}${report.changed ? `; ${formatMs(ms)}` : ''})`);
      if (report.entries.some(({ action }) => action === 'unproven')) {
        out.warn(`${path}: a recipient proves nothing and was left alone; verify says more`);
      }
      if (report.changed && dryRun !== true && report.entries.some(({ action }) => action === 'share')) {
        out.say(`  the next rewrap of ${path} by enough custodians confirms the share; it opens with it already`);
      }
      return { ...report, ms: Math.round(ms * 10) / 10 };
    },
    { lead },
  );
  if (files.length > 1) {
    const done = dryRun === true ? 'would be rewrapped' : 'rewrapped';
    out.say(
      `${String(changed)} of ${count(files.length, 'object')} ${done}, ${formatBytes(written)} written, ${formatMs(performance.now() - started)}.`,
    );
  }
  if (blind === true && changed > 0 && dryRun !== true) {
    out.say(
      'Nobody has seen that the new wraps open, so the old ones were kept beside them. Where decrypting is permitted,',
    );
    out.say('an ordinary rewrap confirms the new ones and drops the old: waxseal rewrap.');
  }
  if (changed > 0 && dryRun !== true) {
    out.say(
      'No payload was touched. Old copies of these files, and whoever opened them before, still have access: rewrapping is not revocation.',
    );
  }
  return exit;
}

function describe({ uri, action, from, to, toUri }: EntryOutcome): string {
  const label = (version: string): string => versionLabel(uri, version);
  if (action === 'renewed' && toUri !== uri)
    return `${uri} → ${toUri}${to === '' ? '' : ` version ${versionLabel(toUri, to)}`}`;
  if (action === 'renewed') return `${uri} version ${label(from)} → ${label(to)}`;
  if (action === 'current') return `${uri} is on its current version ${label(from)}`;
  if (action === 'blind') return `${uri} version ${label(from)} → ${label(to)}, not confirmed`;
  if (action === 'share')
    return `the share of ${uri}${toUri === uri ? '' : ` → ${toUri}`} version ${versionLabel(toUri, to)}, not confirmed`;
  if (action === 'confirmed') return `${uri} version ${label(to)} confirmed`;
  if (action === 'kept') return `${uri} kept as it is`;
  return `${uri} ${action}`;
}

/** The files behind the paths; folders only with -r, and then every *.wax in them. */
export async function expand(paths: readonly string[], recursive: boolean): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      files.push(path);
      continue;
    }
    if (!recursive) {
      throw new WaxsealError('ERR_USAGE', `${path} is a folder`, {
        object: path,
        next: `walk it with -r: waxseal rewrap -r ${path}`,
      });
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    files.push(
      ...entries
        .filter((entry) => entry.isFile() && entry.name.endsWith('.wax'))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort(),
    );
  }
  if (files.length === 0) throw new WaxsealError('ERR_USAGE', `there is no *.wax in ${paths.join(', ')}`);
  return files;
}
