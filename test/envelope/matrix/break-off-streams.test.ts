/**
 * Streams that are broken off at a random point, by everybody who can: the signal, the consumer in each of its ways, the
 * producer. The reason comes out, the source is ended exactly once, and no file handle stays open.
 */
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Layout, openFile, sealFile, verify } from '../../../src/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import {
  expectEnded,
  expectHandles,
  openHandles,
  randomFrom,
  SEED,
  settled,
  snapshot,
  STOP,
  WATCHED,
  WATCHED_FORMS,
  type Watched,
} from './break-off.ts';
import {
  alice,
  BODY_VERB_NAMES,
  BODY_VERBS,
  bodyOf,
  type BodyVerbName,
  bob,
  LAYOUTS,
  LONG,
  type Sample,
  sampleOf,
  SEGMENT,
  streamIn,
  whole,
  withBody,
} from './support.ts';

const ROUNDS = scaled(2, 20, 200);
/** Every verb still has more than this many chunks to give, or to ask for. */
const MOST = 30;

const samples = new Map<Layout, Sample>();
async function sample(layout: Layout): Promise<Sample> {
  const known = samples.get(layout) ?? (await sampleOf(layout, LONG));
  samples.set(layout, known);
  return known;
}

/** A detached header passes through rewrap and the like in one chunk: nothing to break off. */
const verbsOf = (layout: Layout): BodyVerbName[] =>
  BODY_VERB_NAMES.filter((name) => layout !== 'detached' || !/rewrap|Recipient/.test(name));

type Point = (low: number, high: number) => number;
type Breaking = (start: (signal?: AbortSignal) => Promise<ReadableStream<Uint8Array>>, point: Point) => Promise<void>;

/** Takes `count` chunks. */
async function take(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) expect((await reader.read()).done).toBe(false);
}

const BREAKINGS: Readonly<Record<string, Breaking>> = {
  'the signal is aborted during a chunk': async (start, point) => {
    const controller = new AbortController();
    const at = point(1, MOST);
    const reading = async (): Promise<void> => {
      let seen = 0;
      for await (const _ of await start(controller.signal)) if (++seen === at) controller.abort(STOP);
    };
    await expect(reading()).rejects.toBe(STOP);
  },
  'the consumer cancels its reader': async (start, point) => {
    const reader = (await start()).getReader();
    await take(reader, point(1, MOST));
    await reader.cancel(STOP);
  },
  'the consumer leaves its for await': async (start, point) => {
    let left = point(1, MOST);
    for await (const _ of await start()) if (--left === 0) break;
  },
  'the consumer destroys the Node stream': async (start, point) => {
    const stream = Readable.fromWeb((await start()) as never);
    let left = point(1, MOST);
    stream.on('data', () => {
      if (--left === 0) stream.destroy();
    });
    await once(stream, 'close');
    expect(left).toBeLessThanOrEqual(0);
  },
  'the consumer of a pipeThrough cancels': async (start, point) => {
    const reader = (await start()).pipeThrough(new TransformStream<Uint8Array, Uint8Array>()).getReader();
    await take(reader, point(1, MOST));
    await reader.cancel(STOP);
  },
  'the consumer fails while writing': async (start, point) => {
    let left = point(1, MOST);
    const full = new WritableStream<Uint8Array>({
      write() {
        if (--left === 0) throw STOP;
      },
    });
    await expect((await start()).pipeTo(full)).rejects.toBe(STOP);
  },
};

describe(`seed ${String(SEED)}`, () => {
  describe.each(LAYOUTS)('%s', (layout) => {
    describe.each(verbsOf(layout))('%s', (name) => {
      const verb = BODY_VERBS[name];

      async function broken(
        form: keyof typeof WATCHED,
        failsAfter: number | undefined,
        run: (source: Watched) => Promise<void>,
      ): Promise<void> {
        const handles = openHandles();
        const source = WATCHED[form](verb.input(await sample(layout)), failsAfter);
        await run(source);
        await expectEnded(source, form);
        await expectHandles(handles);
      }

      describe.each(WATCHED_FORMS)('%s', (form) => {
        it.each(Object.keys(BREAKINGS))('%s', async (how) => {
          const random = randomFrom(`${layout} ${name} ${form} ${how}`);
          // BUG (findings.test.ts): a Node stream is not ended when only the head of what is sealed has been read.
          const point: Point = (low, high) => random(name === 'seal' && form === 'Node stream' ? low + 1 : low, high);
          for (let round = 0; round < ROUNDS; round += 1) {
            await broken(form, undefined, async ({ stream }) =>
              BREAKINGS[how]?.(
                async (signal) => streamIn(await verb.run(await sample(layout), stream, signal && { signal })),
                point,
              ),
            );
          }
        });

        it('the producer fails', async () => {
          const point = randomFrom(`${layout} ${name} ${form} fails`);
          for (let round = 0; round < ROUNDS; round += 1) {
            const failsAfter = round === 0 ? 0 : point(0, 79);
            await broken(form, failsAfter, async ({ stream }) => {
              const reading = async (): Promise<unknown> => whole(await verb.run(await sample(layout), stream));
              await expect(reading()).rejects.toBe(STOP);
            });
          }
        });
      });
    });

    // What was sealed ends early: an error, never a normal end. (For a stream to be sealed, only its size tells.)
    describe.each(['open', 'reseal', 'verify', 'openFile'] as const)('%s', (name) => {
      it.each(WATCHED_FORMS)('%s: the producer ends early', async (form) => {
        const point = randomFrom(`${layout} ${name} ${form} early`);
        const { sealed, ...rest } = await sample(layout);
        const body = bodyOf(sealed);
        const folder = await temporaryFolder();
        for (let round = 0; round < ROUNDS; round += 1) {
          const source = WATCHED[form](body.subarray(0, round === 0 ? body.length - 1 : point(0, body.length - 1)));
          const subject = withBody(sealed, source.stream);
          const run = async (): Promise<unknown> => {
            if (name === 'openFile') return openFile(subject, join(folder, 'x'), bob);
            if (name !== 'verify') return whole(await BODY_VERBS[name].run({ ...rest, sealed }, source.stream));
            const { findings } = await verify(subject, bob);
            throw Object.assign(new RangeError('found'), findings[0]);
          };
          await expect(run()).rejects.toMatchObject({
            code: expect.stringMatching(
              /^ERR_(TRUNCATED|MALFORMED|AUTHENTICATION|NOT_SEALED|HEADER_DAMAGED)$/,
            ) as string,
          });
          // BUG (findings.test.ts): verify ends its source twice.
          if (name !== 'verify') await expectEnded(source, form);
        }
        expect(await snapshot(folder)).toEqual({});
      });
    });

    describe.each(['sealFile', 'openFile', 'verify'] as const)('%s of a stream', (name) => {
      const start = async (stream: Watched['stream'], target: string, signal?: AbortSignal, onChunk = () => {}) => {
        const { sealed } = await sample(layout);
        const options = { signal, onProgress: onChunk };
        if (name === 'sealFile') return sealFile(stream, target, alice, { ...options, layout, segmentLength: SEGMENT });
        if (name === 'openFile') return openFile(withBody(sealed, stream), target, alice, options);
        return verify(withBody(sealed, stream), alice, options);
      };
      const input = async (): Promise<Uint8Array> => {
        const { plaintext, sealed } = await sample(layout);
        return name === 'sealFile' ? plaintext : bodyOf(sealed);
      };

      it.each(WATCHED_FORMS)('%s: the signal is aborted at some progress', async (form) => {
        const point = randomFrom(`${layout} ${name} ${form}`);
        const folder = await temporaryFolder();
        for (let round = 0; round < ROUNDS; round += 1) {
          const handles = openHandles();
          const source = WATCHED[form](await input());
          const controller = new AbortController();
          let left = point(1, MOST);
          const onChunk = (): void => {
            if (--left === 0) controller.abort(STOP);
          };
          await expect(start(source.stream, join(folder, 'x'), controller.signal, onChunk)).rejects.toBe(STOP);
          if (name !== 'verify') await expectEnded(source, form);
          expect(await snapshot(folder)).toEqual({});
          await expectHandles(handles);
        }
      });

      it.each(WATCHED_FORMS)('%s: the producer fails', async (form) => {
        const point = randomFrom(`${layout} ${name} ${form} fails`);
        const folder = await temporaryFolder();
        for (let round = 0; round < ROUNDS; round += 1) {
          const handles = openHandles();
          const source = WATCHED[form](await input(), round === 0 ? 0 : point(0, 79));
          await expect(start(source.stream, join(folder, 'x'))).rejects.toBe(STOP);
          if (name !== 'verify') await expectEnded(source, form);
          expect(await snapshot(folder)).toEqual({});
          await expectHandles(handles);
        }
      });
    });
  });

  it.each(verbsOf('attached'))('%s: a file that is read as a stream is closed', async (name) => {
    const path = join(await temporaryFolder(), 'input');
    const object = await sample('attached');
    await writeFile(path, BODY_VERBS[name].input(object));
    const handles = openHandles();
    const point = randomFrom(name);
    for (let round = 0; round < 3 * ROUNDS; round += 1) {
      const source = createReadStream(path, { highWaterMark: 5000 });
      const reader = streamIn(await BODY_VERBS[name].run(object, source)).getReader();
      // The first chunk is the head, for which nothing may have been read yet; that one is among the findings.
      await take(reader, point(2, MOST));
      await reader.cancel();
      await settled();
      expect(source.closed || source.destroyed).toBe(true);
    }
    await expectHandles(handles);
  });

  it.skipIf(openHandles() === undefined)('control: open file handles are seen where there is /proc', async () => {
    const path = join(await temporaryFolder(), 'x');
    const before = openHandles();
    const handle = await open(path, 'w');
    expect(openHandles()).toBe(Number(before) + 1);
    await handle.close();
    await expectHandles(before);
  });
});
