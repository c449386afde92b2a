import { convertFile, type Layout } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';

interface Options {
  output?: string;
  payload?: string;
  force?: boolean;
  compact?: boolean;
  dryRun?: boolean;
}

export const detach = (context: Context, paths: readonly string[], options: Options): Promise<number> =>
  convert(context, paths, 'detached', options);

export const attach = (context: Context, paths: readonly string[], options: Options): Promise<number> =>
  convert(context, paths, options.compact === true ? 'compact' : 'attached', options);

async function convert(context: Context, paths: readonly string[], layout: Layout, options: Options): Promise<number> {
  const { output, payload, dryRun } = options;
  if (paths.length > 1 && (output !== undefined || payload !== undefined)) {
    throw new TypeError('-o and --payload name one file and need one input');
  }
  return forEachPath(context, paths, async (path) => {
    const report = await convertFile(path, layout, {
      output,
      payload,
      dryRun,
      overwrite: options.force,
      signal: context.signal,
    });
    const { out } = context;
    if (!report.changed) out.say(`${path}: ${report.from} already.`);
    else {
      const verb = dryRun === true ? 'would become' : 'is';
      const beside = report.payload === undefined ? '' : ` and ${out.strong(report.payload)}`;
      out.say(`${path}: ${report.from} → ${report.to}; it ${verb} ${out.strong(report.path)}${beside}.`);
    }
    return report;
  });
}
