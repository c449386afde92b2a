/**
 * What the matrix found, one failing test each (`it.fails`): when the code is mended, take the `.fails` away. What each
 * breaks is said beside it.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  convert,
  convertFile,
  type Layout,
  openFile,
  openObject,
  openRange,
  repair,
  rewrap,
  seal,
  sealFile,
  verify,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { collect, cut, reusing } from '../../support/streams.ts';
import { expectEnded, snapshot, STOP, WATCHED, WATCHED_FORMS } from './break-off.ts';
import {
  alice,
  BODY_VERB_NAMES,
  BODY_VERBS,
  bob,
  bodyOf,
  expectOpens,
  LAYOUTS,
  LONG,
  sampleOf,
  SINKS,
  streamIn,
  whole,
  withBody,
} from './support.ts';

/** The outcome, or a failure instead of waiting for ever. */
async function soon<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return Promise.race([
    work,
    sleep(150).then(() => {
      throw new RangeError('it is still waiting');
    }),
  ]);
}

/** Gives these bytes and then nothing: a connection that has stalled. */
function stalled(bytes: Uint8Array): { stream: ReadableStream<Uint8Array>; cancelled: () => boolean } {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    cancel() {
      cancelled = true;
    },
  });
  return { stream, cancelled: () => cancelled };
}

describe('a source that stalls', () => {
  describe.each(BODY_VERB_NAMES.filter((name) => !/Recipient|convert to [ad]/.test(name)))('%s', (name) => {
    // BUG: the signal is looked at only when a chunk has come: src/envelope/input.ts, collectPrefix, and the loops of
    // encryptStream, openedChunks and passing. Aborting a stalled upload or download hangs for ever.
    it.fails.each([10, 300_000])('is left when the signal is aborted, after %i bytes', async (count) => {
      const sample = await sampleOf('attached', LONG);
      const { stream } = stalled(BODY_VERBS[name].input(sample).subarray(0, count));
      const controller = new AbortController();
      const run = async (): Promise<unknown> => whole(await BODY_VERBS[name].run(sample, stream, controller));
      setTimeout(() => controller.abort(STOP), 20);
      await expect(soon(run())).rejects.toBe(STOP);
    });

    // BUG: src/envelope/input.ts, toWebStream: cancel waits for the generator, which waits for the source, which is
    // told nothing. What the source holds (a socket, a file) stays open until it moves by itself.
    it.fails('is ended when the consumer cancels while it waits', async () => {
      const sample = await sampleOf('attached', LONG);
      const { stream, cancelled } = stalled(BODY_VERBS[name].input(sample).subarray(0, 300_000));
      const reader = streamIn(await BODY_VERBS[name].run(sample, stream)).getReader();
      void (async () => {
        while (!(await reader.read()).done);
      })().catch(() => undefined);
      await sleep(20);
      await soon(reader.cancel()).catch(() => undefined);
      expect(cancelled()).toBe(true);
    });
  });
});

describe('a source that is not ended', () => {
  // BUG: src/envelope/input.ts, endStream: `return()` of an async generator that was never begun does nothing, and the
  // iterator of a Node stream is one. createReadStream keeps its descriptor open.
  it.fails.each([0, 1])('seal of a Node stream, cancelled after %i chunks', async (count) => {
    const path = join(await temporaryFolder(), 'x');
    await writeFile(path, pattern(LONG));
    const source = createReadStream(path);
    await once(source, 'open');
    const reader = (await seal(source, alice)).getReader();
    for (let i = 0; i < count; i += 1) await reader.read();
    await reader.cancel();
    await sleep(5);
    const { destroyed } = source;
    source.destroy();
    expect(destroyed).toBe(true);
  });

  const REFUSALS = { signal: AbortSignal.abort(STOP) } as const;
  const veto = (): never => {
    throw STOP;
  };
  describe.each(WATCHED_FORMS)('%s', (form) => {
    // BUG: src/envelope/seal.ts, seal: what fails before the first chunk leaves the source open.
    it.fails('seal, refused by the signal', async () => {
      const source = WATCHED[form](pattern(LONG));
      await expect(seal(source.stream, alice, REFUSALS)).rejects.toBe(STOP);
      await expectEnded(source, form);
    });

    it.fails('seal, vetoed by the observer', async () => {
      const source = WATCHED[form](pattern(LONG));
      await expect(seal(source.stream, alice, { observe: veto })).rejects.toMatchObject({ code: 'ERR_VETOED' });
      await expectEnded(source, form);
    });

    // BUG: src/envelope/rewrap/change-object.ts, changeObject, and reseal/reseal.ts, resealStream: the veto comes before the
    // source is touched, and nobody ends it.
    it.fails.each(['rewrap', 'reseal'] as const)('%s, vetoed by the observer', async (name) => {
      const sample = await sampleOf('compact', LONG);
      const source = WATCHED[form](bodyOf(sample.sealed));
      const options = { observe: veto } as never;
      await expect(BODY_VERBS[name].run(sample, source.stream, options)).rejects.toMatchObject({ code: 'ERR_VETOED' });
      await expectEnded(source, form);
    });

    // BUG: src/envelope/seal-file.ts, sealFile: the same where the target is refused.
    it.fails('sealFile, target exists', async () => {
      const target = join(await temporaryFolder(), 'x.wax');
      await writeFile(target, 'mine');
      const source = WATCHED[form](pattern(LONG));
      await expect(sealFile(source.stream, target, alice)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
      await expectEnded(source, form);
    });

    it('(openFile, target exists: it is ended)', async () => {
      const target = join(await temporaryFolder(), 'x');
      await writeFile(target, 'mine');
      const { sealed } = await sampleOf('compact', LONG);
      const source = WATCHED[form](bodyOf(sealed));
      await expect(openFile(source.stream, target, alice)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
      await expectEnded(source, form);
    });
  });

  // BUG, harmless with well-behaved iterators: src/envelope/verify/verify.ts, subjectOf: plaintextOf has ended it before.
  it.fails('verify ends it once, not twice', async () => {
    const { sealed } = await sampleOf('attached', LONG);
    const source = WATCHED.iterator(bodyOf(sealed), 50);
    await expect(verify(source.stream, alice)).rejects.toBe(STOP);
    await expectEnded(source, 'iterator');
  });
});

describe('chunks that pass through', () => {
  // BUG: src/envelope/input.ts, passing: a chunk of the source is handed on as it is. A source that reuses its buffer,
  // which seal and open allow, overwrites what the receiver still holds: Response().bytes() gives rubbish.
  it.fails.each(['rewrap', 'convert to compact', 'convert to detached'] as const)(
    '%s: a chunk stays what it was when the source reuses its buffer',
    async (name) => {
      const sample = await sampleOf('attached', LONG);
      const made = await BODY_VERBS[name].run(sample, reusing(BODY_VERBS[name].input(sample), 5000));
      await expectOpens(await whole(made, SINKS['for await, chunks kept']), sample.plaintext);
    },
  );

  // BUG: the same place: only the chunks in which the head lies are checked for being bytes.
  it.fails.each(['rewrap', 'convert to compact'] as const)('%s: text behind the head is a TypeError', async (name) => {
    const sample = await sampleOf('attached', LONG);
    const bytes = BODY_VERBS[name].input(sample);
    const source = Readable.from([bytes.subarray(0, 300_000), 'text', bytes.subarray(300_000)]);
    const made = streamIn(await BODY_VERBS[name].run(sample, source));
    const chunks: unknown[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of made) chunks.push(chunk);
    };
    await expect(reading()).rejects.toThrow(TypeError);
  });
});

describe('the signal', () => {
  // BUG: src/envelope/input.ts, passing: what was read to find the head (176 KiB) is handed on without a look at it, so
  // that a short object is never broken off.
  it.fails.each(['rewrap', 'convert to compact'] as const)('%s: an abort of a short stream is seen', async (name) => {
    const sample = await sampleOf('attached', 100_000);
    const controller = new AbortController();
    const made = streamIn(await BODY_VERBS[name].run(sample, cut(BODY_VERBS[name].input(sample), [5000]), controller));
    const reading = async (): Promise<void> => {
      for await (const _ of made) controller.abort(STOP);
    };
    await expect(reading()).rejects.toBe(STOP);
  });

  // BUG: src/envelope/convert/convert.ts, convertBytes: of bytes, convert does not look at the signal at all.
  it.each(BODY_VERB_NAMES.filter((name) => !name.startsWith('convert')))(
    '(%s of bytes: aborted before)',
    async (name) => {
      const sample = await sampleOf('compact', LONG);
      const signal = AbortSignal.abort(STOP);
      await expect(BODY_VERBS[name].run(sample, BODY_VERBS[name].input(sample), { signal })).rejects.toBe(STOP);
    },
  );
  it.fails('convert of bytes: aborted before', async () => {
    const { sealed } = await sampleOf('compact', LONG);
    const run = async (): Promise<void> =>
      void (await convert(sealed as Uint8Array, 'attached', { signal: AbortSignal.abort(STOP) }));
    await expect(run()).rejects.toBe(STOP);
  });
});

describe('convert of a stream', () => {
  // BUG: src/envelope/convert/convert.ts, convertStream: its TSDoc names ERR_TRUNCATED and ERR_TRAILING_DATA, which bytes get; a
  // stream that breaks off ends as if all were well, although the head says how long it is.
  it.fails.each(LAYOUTS)('%s: one that ends early is ERR_TRUNCATED', async (layout: Layout) => {
    const { sealed } = await sampleOf(layout, LONG);
    const short = cut(bodyOf(sealed).subarray(0, -5000), [5000]);
    const run = async (): Promise<void> => void (await whole(await convert(withBody(sealed, short), 'compact')));
    await expect(run()).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
  });

  it.fails.each(LAYOUTS)('%s: one that goes on is ERR_TRAILING_DATA', async (layout: Layout) => {
    const { sealed } = await sampleOf(layout, LONG);
    const long = [...cut(bodyOf(sealed), [5000]), pattern(9)];
    const run = async (): Promise<void> => void (await whole(await convert(withBody(sealed, long), 'compact')));
    await expect(run()).rejects.toMatchObject({ code: 'ERR_TRAILING_DATA' });
  });
});

describe('convertFile', () => {
  // BUG: src/envelope/convert/convert-file.ts, convertTo: `payload` ("before or after") is not handed to loadWhole, when the
  // result goes to another file.
  it.fails('reads the payload that is named, with an output, too', async () => {
    const folder = await temporaryFolder();
    const [path, output] = [join(folder, 'm.wax'), join(folder, 'whole.wax')];
    await sealFile([pattern(LONG)], path, alice, { layout: 'detached' });
    await mkdir(join(folder, 'elsewhere'));
    const payload = join(folder, 'elsewhere', 'payload');
    await rename(join(folder, 'm.floe'), payload);
    await convertFile(path, 'attached', { output, payload });
    expect((await verify(output, alice)).ok).toBe(true);
  });

  it('leaves the object alone when the payload would take its place', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'm.wax');
    await sealFile([pattern(LONG)], path, alice);
    const before = await snapshot(folder);
    await expect(convertFile(path, 'detached', { payload: path, overwrite: true })).rejects.toThrow();
    expect(await snapshot(folder)).toEqual(before);
  });
});

describe('the wrong form', () => {
  const bytes = pattern(300);
  const stream = (): never => new ReadableStream() as never;
  // BUG: src/envelope/source.ts, openSource: the message names no verb, and not `open`, which takes streams; null is a
  // TypeError of the language. repair and convertFile hand bytes to the file system, whose message quotes them.
  it.fails.each([
    ['openObject of a stream', /openObject.*open/, () => openObject(stream(), bob)],
    ['openRange of a stream', /openRange.*open/, () => openRange(stream(), bob, { start: 0 })],
    ['openObject of null', /openObject/, () => openObject(null as never, bob)],
    ['verify of a number', /verify/, () => verify(7 as never, bob)],
    ['repair of bytes', /^repair: .*path/, () => repair(bytes as never, bob)],
    ['convertFile of bytes', /^convertFile: .*path.*convert/, () => convertFile(bytes as never, 'compact')],
  ] as const)('%s is a TypeError that says what to call', async (_, message, run) => {
    await expect(run()).rejects.toSatisfy((error) => error instanceof TypeError && message.test(error.message));
  });
});

// BUG: src/envelope/format/meta.ts, sealMeta: a field that it does not know is left out without a word, though every
// other unknown option is refused; the caller learns of it when the name is missed, years later.
it.fails('private metadata that would not be stored is refused', async () => {
  await expect(seal(pattern(9), alice, { metadata: { filename: 'weights.bin' } as never })).rejects.toThrow(TypeError);
});

it('(control: the sources of these tests are sound)', async () => {
  const sample = await sampleOf('attached', LONG);
  const rewrapped = await collect(await rewrap(reusing(bodyOf(sample.sealed), 5000), alice));
  await expectOpens(rewrapped, sample.plaintext);
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'x'), rewrapped);
  expect((await readFile(join(folder, 'x'))).length).toBe(rewrapped.length);
});
