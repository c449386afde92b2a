import { addRecipient, removeRecipient, type RewrapReport, setRecipients } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';

interface Options {
  key: string;
  openWith?: string[];
  share?: string[];
  dryRun?: boolean;
}

export async function add(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const keys = await context.allKeys(options.openWith, options.share);
  const added = await context.target(options.key);
  return change(context, paths, options, 'added to', (path, common) => addRecipient(path, keys, added, common));
}

export async function remove(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const keys = await context.allKeys(options.openWith, options.share);
  const removed = await context.recordedUri(options.key);
  const exit = await change(context, paths, options, 'removed from', (path, common) =>
    removeRecipient(path, keys, removed, common),
  );
  if (options.dryRun === true) return exit;
  context.out.say(
    'Whoever held that key before may have kept the data key or a copy: removing a recipient is not revocation.',
  );
  return exit;
}

interface SetOptions {
  key?: string[];
  preset?: string;
  openWith?: string[];
  share?: string[];
  dryRun?: boolean;
}

/** Makes the recipients exactly those of a preset, or those that are named. */
export async function set(context: Context, paths: readonly string[], options: SetOptions): Promise<number> {
  const { key, preset, dryRun } = options;
  if ((key === undefined) === (preset === undefined)) {
    throw new TypeError('recipients set: name the recipients with --preset, or each with -k');
  }
  const keys = await context.allKeys(options.openWith, options.share);
  const wanted = await context.namedKeys(preset === undefined ? key : await context.preset(preset));
  let removed = 0;
  const exit = await forEachPath(context, paths, async (path) => {
    const { observe, signal } = context;
    const report = await setRecipients(path, keys, wanted, { dryRun, observe, signal });
    const of = (action: string): string[] =>
      report.entries.filter((one) => one.action === action).map(({ uri }) => uri);
    removed += of('removed').length;
    const parts = (['kept', 'added', 'removed'] as const).flatMap((action) => {
      return of(action).length === 0 ? [] : [`${action} ${of(action).join(', ')}`];
    });
    const done = report.changed ? (dryRun === true ? 'would be changed' : 'changed') : 'nothing to do';
    context.out.say(`${path}: ${done} (${parts.join('; ')})`);
    return report;
  });
  if (removed > 0 && dryRun !== true) {
    context.out.say('Whoever held a removed key may have kept the data key or a copy: this is not revocation.');
  }
  return exit;
}

interface Common {
  readonly dryRun: boolean | undefined;
  readonly observe: Context['observe'];
  readonly signal: AbortSignal;
}

function change(
  context: Context,
  paths: readonly string[],
  { key, dryRun }: Options,
  what: string,
  work: (path: string, common: Common) => Promise<RewrapReport>,
): Promise<number> {
  return forEachPath(context, paths, async (path) => {
    const report = await work(path, { dryRun, observe: context.observe, signal: context.signal });
    context.out.say(`${path}: ${key} ${dryRun === true ? 'would be ' : ''}${what} the recipients.`);
    return report;
  });
}
