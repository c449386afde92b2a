import { openObject } from '../../envelope/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Context } from '../context.ts';
import { parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { tellOpener } from '../opener.ts';
import { writeToStdout } from '../standard-streams.ts';

interface Options {
  range?: string;
  expectId?: string;
  expectContext?: string[];
  requireSymmetricWrap?: boolean;
}

export async function run(context: Context, [path = '']: readonly string[], options: Options): Promise<number> {
  context.out.payloadOnStdout();
  const range = options.range === undefined ? undefined : parseRange(options.range);
  const { expectId } = options;
  const object = await openObject(path, await context.allKeys(), {
    observe: context.observe,
    signal: context.signal,
    expectId,
    expectContext: parseContext(options.expectContext),
    requireSymmetricWrap: options.requireSymmetricWrap,
  });
  try {
    const start = range?.first ?? 0;
    const end = range?.last === undefined ? object.size : range.last + 1;
    if (range !== undefined && start >= object.size) {
      throw new WaxsealError(
        'ERR_RANGE_NOT_SATISFIABLE',
        `${path} has ${String(object.size)} bytes; byte ${String(start)} lies outside`,
        { object: path },
      );
    }
    tellOpener(context.out, path, object.info);
    await writeToStdout(object.stream(start, end, { signal: context.signal }), true);
    context.out.results([{ ok: true, path, output: '-', id: object.info.id, size: object.size }]);
    return EXIT.done;
  } finally {
    await object.close();
  }
}

/** `first-last`, both included, or `first-`. */
function parseRange(text: string): { first: number; last: number | undefined } {
  const match = /^([0-9]+)-([0-9]*)$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined || match[2] === '' ? undefined : Number(match[2]);
  if (
    match === null ||
    !Number.isSafeInteger(first) ||
    (last !== undefined && (!Number.isSafeInteger(last) || last < first))
  ) {
    throw new TypeError(`cat: --range takes FIRST-LAST, both included, not "${text}"`);
  }
  return { first, last };
}
