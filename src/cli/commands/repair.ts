import { repair } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';

interface Options {
  key?: string[];
  from?: string;
  payload?: string;
  dryRun?: boolean;
}

export async function run(context: Context, [path = '']: readonly string[], options: Options): Promise<number> {
  const { from, payload, dryRun } = options;
  const keys = await context.allKeys(options.key);
  const report = await repair(path, keys, {
    from,
    payload,
    dryRun,
    observe: context.observe,
    signal: context.signal,
  });
  context.out.results([{ path, ...report }]);
  if (report.repaired.length === 0) context.out.say(`${path}: heads and recipients are whole; nothing was written.`);
  else {
    const done = dryRun === true ? 'would be rewritten' : 'rewritten';
    context.out.say(`${path}: ${report.repaired.join(', ')} ${done}. Check the payload too: waxseal verify ${path}`);
  }
  return EXIT.done;
}
