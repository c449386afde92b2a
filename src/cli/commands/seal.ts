import { lstat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type Layout,
  type MasterKey,
  type PrivateMetadata,
  Quorum,
  seal,
  type SealedSource,
  sealFile,
  type SealReport,
  verify,
} from '../../envelope/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import type { Context } from '../context.ts';
import { forEachPath, parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { formatBytes, formatMs } from '../output.ts';
import { versionLabel } from '../version-label.ts';
import {
  checkOutput,
  type FileIdentity,
  isSameFile,
  refuseMixedInput,
  removableFile,
  requireInput,
  sourceOf,
} from '../paths.ts';
import { startProgress } from '../progress.ts';
import { writeToStdout } from '../standard-streams.ts';

interface Options {
  key?: string[];
  preset?: string;
  output?: string;
  context?: string[];
  size?: string;
  force?: boolean;
  remove?: boolean;
  compact?: boolean;
  detached?: boolean;
  payload?: string;
  name?: string;
  mediaType?: string;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const layout = layoutOf(options);
  refuseMixedInput('seal', paths, options.output);
  if (options.remove === true && (options.output === '-' || paths.includes('-'))) {
    throw new TypeError('seal: --remove needs a file on both sides');
  }
  if (options.payload !== undefined && (layout !== 'detached' || paths.length > 1)) {
    throw new TypeError('seal: --payload goes with --detached and one input');
  }
  await refuseFolders(paths);
  if (options.key !== undefined && options.preset !== undefined) {
    throw new TypeError('seal: --preset names the recipients: it excludes -k');
  }
  const keys = await context.namedKeys(
    options.preset === undefined ? options.key : await context.preset(options.preset),
  );
  const size = options.size === undefined ? undefined : parseSize(options.size);
  if (options.remove === true && !canOpen(keys)) {
    throw new TypeError('seal: --remove verifies before it deletes, and none of these keys can open what they seal');
  }
  const common = {
    context: parseContext(options.context),
    metadata: metadataOf(options),
    observe: context.observe,
    signal: context.signal,
    size,
  };
  const toStdout = options.output === '-' || (paths[0] === '-' && options.output === undefined);
  if (toStdout) {
    if (layout === 'detached') throw new TypeError('seal: --detached writes two files: name the header with -o');
    context.out.payloadOnStdout();
    const [path = ''] = paths;
    if (path !== '-') await requireInput(path);
    const input = path === '-' ? process.stdin : (await import('node:fs')).createReadStream(path);
    await writeToStdout(await seal(input, keys, { ...common, layout }), options.output === '-');
    context.out.results([{ ok: true, path, output: '-' }]);
    return EXIT.done;
  }
  return forEachPath(context, paths, async (path) => {
    const target = options.output ?? `${path}.wax`;
    const started = performance.now();
    await checkOutput(path, target);
    const before = options.remove === true ? await removableFile(path) : undefined;
    const progress = startProgress(path, !context.out.json);
    let report: SealReport;
    try {
      report = await sealFile(path === '-' ? process.stdin : path, target, keys, {
        ...common,
        layout,
        payload: options.payload,
        overwrite: options.force === true,
        onProgress: progress.onProgress,
      });
    } finally {
      progress.stop();
    }
    const ms = performance.now() - started;
    const { out } = context;
    const recipients = report.recipients.map(({ uri, version }) => `${uri} version ${versionLabel(uri, version)}`);
    const beside = report.payload === undefined ? '' : ` and ${out.strong(report.payload)}`;
    out.say(
      `Sealed ${path} → ${out.strong(target)}${beside} (${formatBytes(report.size)}, ${formatMs(ms)}) to ${recipients.join(', ')}.`,
    );
    if (before !== undefined) {
      await removePlaintext(context, path, sourceOf(target, options.payload), keys, before);
      out.say(`Verified it and deleted ${path}.`);
    }
    return { output: target, ...report, ms: Math.round(ms), removed: options.remove === true };
  });
}

/** The plaintext goes only after the sealed object was verified, and only if it is still the file that was sealed. */
async function removePlaintext(
  context: Context,
  path: string,
  sealed: SealedSource,
  keys: Awaited<ReturnType<Context['namedKeys']>>,
  before: FileIdentity,
): Promise<void> {
  const { ok, findings } = await verify(sealed, keys, { observe: context.observe, signal: context.signal });
  if (!ok) {
    const why = findings[0]?.message ?? 'unknown';
    throw new WaxsealError('ERR_AUTHENTICATION', `what was sealed did not verify (${why}); ${path} was kept`, {
      object: path,
    });
  }
  if (!isSameFile(await removableFile(path), before)) {
    throw new WaxsealError('ERR_INPUT_CHANGED', `${path} changed after it was sealed, and was kept`, { object: path });
  }
  await unlink(path);
  await syncFolder(dirname(path));
}

/** Whether these keys open again what is sealed to them. */
function canOpen(keys: readonly MasterKey[]): boolean {
  const opens = (key: MasterKey): boolean =>
    key instanceof Quorum ? key.custodians.filter(opens).length >= key.threshold : key.canUnwrap !== false;
  return keys.some(opens);
}

async function refuseFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (path === '-') continue;
    const facts = await lstat(path).catch(() => undefined);
    if (facts?.isDirectory() === true) {
      throw new WaxsealError('ERR_USAGE', `${path} is a folder; sealed trees are not in this version of waxseal`, {
        object: path,
        next: `seal its files (waxseal seal ${path}/*), or an archive: tar c ${path} | waxseal seal - -o ${path}.tar.wax`,
      });
    }
  }
}

function parseSize(text: string): number {
  const size = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(size))
    throw new TypeError(`seal: --size takes a number of bytes, not "${text}"`);
  return size;
}

function layoutOf({ compact, detached }: Options): Layout {
  if (compact === true && detached === true) throw new TypeError('seal: --compact and --detached exclude each other');
  return compact === true ? 'compact' : detached === true ? 'detached' : 'attached';
}

function metadataOf({ name, mediaType }: Options): PrivateMetadata | undefined {
  return name === undefined && mediaType === undefined ? undefined : { name, mediaType };
}
