import { type AskedRange, rangeWithin, readRangeField } from '../../envelope/http-range.ts';
import { openObject } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { parseContext } from '../each.ts';
import { EXIT } from '../exit.ts';
import { tellOpener } from '../opener.ts';
import { sourceOf } from '../paths.ts';
import { writeToStdout } from '../standard-streams.ts';

interface Options {
  key?: string[];
  range?: string;
  payload?: string;
  expectId?: string;
  expectContext?: string[];
  requireSymmetricWrap?: boolean;
}

export async function run(context: Context, [path = '']: readonly string[], options: Options): Promise<number> {
  context.out.payloadOnStdout();
  const asked = options.range === undefined ? undefined : readRange(options.range);
  const { expectId } = options;
  const object = await openObject(sourceOf(path, options.payload), await context.allKeys(options.key), {
    observe: context.observe,
    signal: context.signal,
    expectId,
    expectContext: parseContext(options.expectContext),
    requireSymmetricWrap: options.requireSymmetricWrap,
  });
  try {
    const range = asked === undefined ? undefined : rangeWithin(asked, object.size, path);
    tellOpener(context.out, path, object.info);
    await writeToStdout(object.stream(range?.start, range?.end, { signal: context.signal }), true);
    context.out.results([{ ok: true, path, output: '-', id: object.info.id, size: object.size }]);
    return EXIT.done;
  } finally {
    await object.close();
  }
}

/** As in HTTP, where `bytes=` stands before it. */
function readRange(text: string): AskedRange {
  const range = readRangeField(`bytes=${text}`);
  if (range === undefined) {
    throw new TypeError(
      `cat: --range takes FIRST-LAST, both included, FIRST-, or =-N for the last N bytes, not "${text}"`,
    );
  }
  return range;
}
