import { shred } from '../../envelope/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';
import { count } from '../output.ts';
import { askYes } from '../passphrase.ts';

interface Options {
  yes?: boolean;
  delete?: boolean;
  expectId?: string;
  payload?: string;
  dryRun?: boolean;
  allowNetworkFs?: boolean;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const { expectId, payload, dryRun } = options;
  if (payload !== undefined && paths.length > 1) throw new TypeError('shred: --payload goes with one header');
  if (dryRun !== true && options.yes !== true) await confirm(context, paths, options.delete === true);
  const { out } = context;
  const exit = await forEachPath(context, paths, async (path) => {
    const report = await shred(path, {
      expectId,
      payload,
      dryRun,
      delete: options.delete,
      observe: context.observe,
      signal: context.signal,
      allowNetworkFileSystem: options.allowNetworkFs,
    });
    const parts = report.erased.map(({ part }) => part).join(', ');
    const verb = dryRun === true ? 'would be erased' : 'erased, synced and read back';
    out.say(`${path}: ${parts} ${verb}.`);
    for (const file of report.deleted) out.say(`  ${file} ${dryRun === true ? 'would be ' : ''}deleted`);
    return report;
  });
  if (dryRun !== true) {
    out.say(
      [
        'Nobody opens these files again. Out of reach are copies, backups, snapshots, older versions in a store, and what a',
        'flash disk or journal kept of older states: they open until the key version that wrapped them is destroyed.',
      ].join('\n'),
    );
  }
  return exit;
}

async function confirm(context: Context, paths: readonly string[], deletes: boolean): Promise<void> {
  const what = paths.length === 1 ? (paths[0] ?? '') : count(paths.length, 'object');
  const question = `Shred ${what}${deletes ? ' and delete it' : ''}? Nothing brings the data back. Type yes`;
  if (await askYes(question, context.signal)) return;
  throw new WaxsealError('ERR_USAGE', 'nothing was shredded', { next: 'type yes, or pass --yes' });
}
