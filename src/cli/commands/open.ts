import {
  type ByteStream,
  type DetachedSource,
  type Keys,
  type ObjectInfo,
  type ObjectOptions,
  open,
  openFile,
  openObject,
  type OpenReport,
  type PrivateMetadata,
  type SealedSource,
} from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath, parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { tellOpener } from '../opener.ts';
import { formatBytes, formatMs, printable } from '../output.ts';
import { checkOutput, refuseMixedInput, sourceOf } from '../paths.ts';
import { startProgress } from '../progress.ts';
import { writeToStdout } from '../standard-streams.ts';

interface Options {
  key?: string[];
  share?: string[];
  output?: string;
  force?: boolean;
  expectId?: string;
  expectContext?: string[];
  requireSymmetricWrap?: boolean;
  payload?: string;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  refuseMixedInput('open', paths, options.output);
  if (options.payload !== undefined && (paths.length > 1 || paths[0] === '-')) {
    throw new TypeError('open: --payload goes with the path of one header');
  }
  const targets = new Map(paths.map((path) => [path, options.output ?? plainName(path)]));
  const keys = await context.inFailover(await context.allKeys(options.key, options.share));
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
    await openToStdout(context, first, keys, options.payload, common, options.output === '-');
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
      report = await openFile(inputOf(path, options.payload), target, keys, {
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
    const { id, context: facts, metadata, openedBy } = report.info;
    if (metadata !== undefined) context.out.say(`  private metadata: ${describeMetadata(metadata)}`);
    return { output: target, id, size: report.size, context: facts, metadata, openedBy, ms: Math.round(ms) };
  });
}

/** The object: standard input for -, and for the payload where --payload is -. */
function inputOf(
  path: string,
  payload: string | undefined,
): SealedSource | ByteStream | DetachedSource<string, ByteStream> {
  if (path === '-') return process.stdin;
  return payload === '-' ? { header: path, payload: process.stdin } : sourceOf(path, payload);
}

async function openToStdout(
  context: Context,
  path: string,
  keys: Keys,
  payload: string | undefined,
  options: ObjectOptions,
  onTerminal: boolean,
): Promise<void> {
  const onInfo = (info: ObjectInfo): void => tellOpener(context.out, path, info);
  if (path === '-') return writeToStdout(await open(process.stdin, keys, { ...options, onInfo }), onTerminal);
  if (payload === '-') {
    return writeToStdout(
      await open({ header: path, payload: process.stdin }, keys, { ...options, onInfo }),
      onTerminal,
    );
  }
  const object = await openObject(sourceOf(path, payload), keys, options);
  try {
    onInfo(object.info);
    await writeToStdout(object.stream(0, object.size, { signal: context.signal }), onTerminal);
  } finally {
    await object.close();
  }
}

function describeMetadata({ name, mediaType }: PrivateMetadata): string {
  const parts = [
    ...(name === undefined ? [] : [`name ${printable(name)}`]),
    ...(mediaType === undefined ? [] : [`media type ${printable(mediaType)}`]),
  ];
  return parts.length === 0 ? 'empty' : parts.join(', ');
}

function plainName(path: string): string {
  if (path === '-') return '-';
  if (!path.endsWith('.wax') || path.length === 4)
    throw new TypeError(`open: ${path} does not end in .wax; name the output with -o`);
  return path.slice(0, -4);
}
