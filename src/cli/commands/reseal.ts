import { reseal } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';
import { count, formatBytes, formatMs } from '../output.ts';
import { startProgress } from '../progress.ts';

interface Options {
  key?: string[];
  openWith?: string[];
  share?: string[];
  dropOthers?: boolean;
  expectId?: string;
  payload?: string;
  dryRun?: boolean;
  allowNetworkFs?: boolean;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const { dropOthers, expectId, payload, dryRun } = options;
  if (payload !== undefined && paths.length > 1) throw new TypeError('reseal: --payload goes with one header');
  const keys = await context.allKeys(options.openWith, options.share);
  const recipients = options.key === undefined ? undefined : await context.namedKeys(options.key);
  const { out } = context;
  let done = 0;
  const exit = await forEachPath(context, paths, async (path) => {
    const started = performance.now();
    const progress = startProgress(path, !out.json);
    const report = await reseal(path, keys, {
      recipients,
      dropOthers,
      expectId,
      payload,
      dryRun,
      observe: context.observe,
      signal: context.signal,
      onProgress: progress.onProgress,
      allowNetworkFileSystem: options.allowNetworkFs,
    }).finally(() => progress.stop());
    const ms = performance.now() - started;
    done += dryRun === true ? 0 : 1;
    const verb = dryRun === true ? 'would be resealed' : 'resealed';
    const without = report.dropped.length === 0 ? '' : `; no longer to ${report.dropped.join(', ')}`;
    const took = dryRun === true ? '' : `, ${formatMs(ms)}`;
    out.say(`${path}: ${verb} to ${report.recipients.join(', ')}${without} (${formatBytes(report.size)}${took}).`);
    if (report.id !== undefined) out.say(`  its id is ${report.id} now; it was ${report.previousId}`);
    return { ...report, ms: Math.round(ms) };
  });
  if (done > 0) {
    out.say(
      `Copies of ${count(done, 'object')} made before still open with the old keys: destroy them, or the key versions that open them.`,
    );
  }
  return exit;
}
