import { stat, writeFile } from 'node:fs/promises';
import { exportShare } from '../../envelope/index.ts';
import { fromSystemError, WaxsealError } from '../../errors/index.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { word } from '../doctor/wording.ts';
import { run as open } from './open.ts';

interface ShareOptions {
  to: string;
  output?: string;
  key?: string[];
  force?: boolean;
}

/** A custodian's part: the share, wrapped for whoever opens. */
export async function share(context: Context, [path = '']: readonly string[], options: ShareOptions): Promise<number> {
  const { out, signal, observe } = context;
  const output = options.output ?? `${path}.share`;
  if (options.force !== true && output !== '-' && (await exists(output))) {
    throw new WaxsealError('ERR_OUTPUT_EXISTS', `${output} exists already`, { object: output });
  }
  const keys = await context.allKeys(options.key);
  const to = await context.key(options.to);
  const shared = await exportShare(path, keys, to, { signal, observe });
  const text = `${JSON.stringify(shared, undefined, 2)}\n`;
  if (output === '-') {
    out.payloadOnStdout();
    process.stdout.write(text);
  } else {
    await writeFile(output, text, { mode: 0o600, flag: options.force === true ? 'w' : 'wx' }).catch(
      (error: unknown) => {
        throw fromSystemError(error, 'write', output);
      },
    );
  }
  const { custodian, quorum, object } = shared;
  out.results([{ path, output, custodian, quorum, id: object, to: to.uri }]);
  out.say(`Wrote the share of ${custodian} in ${path} to ${out.strong(output)}, for ${to.uri} alone.`);
  out.say(`Send it there. With enough shares: waxseal quorum combine ${word(path)} SHARE SHARE`);
  return EXIT.done;
}

/** Opens with the shares that custodians sent. */
export async function combine(
  context: Context,
  [path = '', ...shares]: readonly string[],
  options: Parameters<typeof open>[2],
): Promise<number> {
  return open(context, [path], { ...options, share: shares });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
