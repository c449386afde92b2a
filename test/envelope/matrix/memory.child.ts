/**
 * Lets a stream of argv[3] bytes go through each verb in layout argv[2], and prints by how much the peak of resident
 * memory grew, as JSON lines. Before that it does the same with little, so that code and pools are there. Started by
 * memory.test.ts; imports nothing of the test runner.
 */
import {
  addRecipient,
  type ByteStream,
  convert,
  type Layout,
  open,
  reseal,
  rewrap,
  seal,
  verify,
} from '../../../src/envelope/index.ts';
import { memoryKey } from '../../support/memory-key.ts';

const [, , layout, bytes] = process.argv as [string, string, Layout, string];
const key = memoryKey('local:a');
const other = memoryKey('local:b');
const CHUNK = new Uint8Array(65_536).fill(7);
const WARM_UP = 16 * 2 ** 20;

type Stream = ReadableStream<Uint8Array>;
type Sealed = Stream | { readonly header: Uint8Array; readonly payload: Stream };

async function* plaintext(size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left);
}

const bodyOf = (sealed: Sealed): Stream => (sealed instanceof ReadableStream ? sealed : sealed.payload);

async function sealed(size: number): Promise<Sealed> {
  return seal(plaintext(size), key, { layout, size } as { layout: 'compact' });
}

/** Every verb at the end of a pipeline that begins with seal; gives the stream that comes out. */
const VERBS: Readonly<Record<string, (size: number) => Promise<ByteStream>>> = {
  seal: async (size) => bodyOf(await sealed(size)),
  open: async (size) => open((await sealed(size)) as Stream, key),
  verify: async (size) => {
    const { ok, size: found } = await verify(await sealed(size), key);
    if (!ok || found !== size) throw new RangeError('verify found something');
    return [];
  },
  reseal: async (size) => bodyOf(await reseal((await sealed(size)) as Stream, key)),
  ...(layout === 'detached'
    ? {} // of a detached object only the header goes through rewrap
    : {
        rewrap: async (size) => rewrap((await sealed(size)) as Stream, key),
        addRecipient: async (size) => addRecipient((await sealed(size)) as Stream, key, other),
      }),
  convert: async (size) => {
    const to = layout === 'detached' ? 'attached' : 'detached';
    return bodyOf(await convert((await sealed(size)) as Stream, to as 'compact'));
  },
};

async function run(verb: string, size: number): Promise<number> {
  let length = 0;
  for await (const chunk of (await VERBS[verb]?.(size)) ?? []) length += chunk.length;
  return length;
}

/** Highest resident memory until now, in MiB. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

if (bytes === 'control') {
  // What is kept must be seen: the same measure, of a consumer that keeps everything.
  await run('seal', WARM_UP);
  const before = peak();
  const kept: Uint8Array[] = [];
  for await (const chunk of bodyOf(await sealed(WARM_UP * 12))) kept.push(chunk);
  console.log(
    JSON.stringify({
      verb: 'control',
      growth: peak() - before,
      length: kept.reduce((sum, { length }) => sum + length, 0),
    }),
  );
} else {
  for (const verb of Object.keys(VERBS)) await run(verb, WARM_UP);
  for (const verb of Object.keys(VERBS)) {
    const before = peak();
    const length = await run(verb, Number(bytes));
    console.log(JSON.stringify({ verb, growth: peak() - before, length }));
  }
}
