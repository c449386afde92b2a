import { type ObjectInfo, open, openFile, type OpenReport } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath, parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { tellOpener } from '../opener.ts';
import { formatBytes, formatMs } from '../output.ts';
import { checkOutput, refuseMixedInput, requireInput } from '../paths.ts';
import { startProgress } from '../progress.ts';
import { writeToStdout } from '../standard-streams.ts';

interface Options {
  output?: string;
  force?: boolean;
  expectId?: string;
  expectContext?: string[];
  requireSymmetricWrap?: boolean;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  refuseMixedInput('open', paths, options.output);
  const targets = new Map(paths.map((path) => [path, options.output ?? plainName(path)]));
  const keys = await context.allKeys();
  const { expectId } = options;
  const common = {
    observe: context.observe,
    signal: context.signal,
    expectId,
    expectContext: parseContext(options.expectContext),
    requireSymmetricWrap: options.requireSymmetricWrap,
  };
  const [first = ''] = paths;
  if (targets.get(first) === '-') {
    context.out.payloadOnStdout();
    if (first !== '-') await requireInput(first);
    const input = first === '-' ? process.stdin : (await import('node:fs')).createReadStream(first);
    const onInfo = (info: ObjectInfo): void => tellOpener(context.out, first, info);
    await writeToStdout(await open(input, keys, { ...common, onInfo }), options.output === '-');
    context.out.results([{ ok: true, path: first, output: '-' }]);
    return EXIT.done;
  }
  return forEachPath(context, paths, async (path) => {
    const target = targets.get(path) ?? plainName(path);
    await checkOutput(path, target);
    const started = performance.now();
    const progress = startProgress(path, !context.out.json);
    let report: OpenReport;
    try {
      report = await openFile(path === '-' ? process.stdin : path, target, keys, {
        ...common,
        overwrite: options.force === true,
        onProgress: progress.onProgress,
      });
    } finally {
      progress.stop();
    }
    const ms = performance.now() - started;
    context.out.say(`Opened ${path} → ${context.out.strong(target)} (${formatBytes(report.size)}, ${formatMs(ms)}).`);
    tellOpener(context.out, path, report.info);
    const { id, context: facts, openedBy } = report.info;
    return { output: target, id, size: report.size, context: facts, openedBy, ms: Math.round(ms) };
  });
}

function plainName(path: string): string {
  if (path === '-') return '-';
  if (!path.endsWith('.wax') || path.length === 4)
    throw new TypeError(`open: ${path} does not end in .wax; name the output with -o`);
  return path.slice(0, -4);
}
