import { verify } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath, parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { tellPublicKey } from '../opener.ts';
import { count, formatBytes, formatMs } from '../output.ts';
import { sourceOf } from '../paths.ts';
import { startProgress } from '../progress.ts';

interface Options {
  key?: string[];
  share?: string[];
  expectId?: string;
  expectContext?: string[];
  requireSymmetricWrap?: boolean;
  payload?: string;
}

export async function run(context: Context, paths: readonly string[], options: Options): Promise<number> {
  const keys = await context.allKeys(options.key, options.share);
  const { out } = context;
  return forEachPath(
    context,
    paths,
    async (path) => {
      const started = performance.now();
      const progress = startProgress(path, !out.json);
      const { expectId } = options;
      const report = await verify(path === '-' ? process.stdin : sourceOf(path, options.payload), keys, {
        observe: context.observe,
        signal: context.signal,
        onProgress: progress.onProgress,
        expectId,
        expectContext: parseContext(options.expectContext),
        requireSymmetricWrap: options.requireSymmetricWrap,
      }).finally(() => progress.stop());
      const ms = performance.now() - started;
      if (report.ok) {
        const opened = report.recipients.filter(({ unwrap }) => unwrap === 'opened').length;
        const others = report.recipients.length - opened;
        const rest = others === 0 ? '' : `, ${String(others)} checked by tag only`;
        out.say(
          `${path}: good. ${formatBytes(report.size ?? 0)} authenticated in ${formatMs(ms)}; ${count(opened, 'recipient')} unwrapped${rest}.`,
        );
      } else {
        out.warn(`${path} is NOT as it was sealed:`);
      }
      const openers = report.recipients.filter(({ unwrap }) => unwrap === 'opened').map(({ uri }) => uri);
      const [first] = openers;
      // A symmetric wrap that opens can only have been made by somebody who holds that key.
      const vouched = openers.some((uri) => keys.some((key) => key.uri === uri && key.symmetric));
      if (first !== undefined && !vouched) tellPublicKey(out, path, first);
      for (const { severity, message, next, code } of report.findings) {
        out.warn(`${path}: ${severity === 'warning' ? '' : 'broken: '}${message} [${code}]\n  next: ${next}`);
      }
      return { verified: report.ok, ...report, ms: Math.round(ms) };
    },
    { exitOf: ({ verified }) => (verified ? EXIT.done : EXIT.data) },
  );
}
