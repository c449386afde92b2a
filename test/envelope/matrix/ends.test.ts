/** How streams end, stall and are aborted, chunk by chunk; and what verbs say to the wrong form. */
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
    it.each([10, 300_000])('is left when the signal is aborted, after %i bytes', async (count) => {
      const sample = await sampleOf('attached', LONG);
      const { stream } = stalled(BODY_VERBS[name].input(sample).subarray(0, count));
      const controller = new AbortController();
      const run = async (): Promise<unknown> =>
        whole(await BODY_VERBS[name].run(sample, stream, { signal: controller.signal }));
      setTimeout(() => controller.abort(STOP), 20);
      await expect(soon(run())).rejects.toBe(STOP);
    });

    it('is ended when the consumer cancels while it waits', async () => {
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
  it.each([0, 1])('seal of a Node stream, cancelled after %i chunks', async (count) => {
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
    it('seal, refused by the signal', async () => {
      const source = WATCHED[form](pattern(LONG));
      await expect(seal(source.stream, alice, REFUSALS)).rejects.toBe(STOP);
      await expectEnded(source, form);
    });

    it('seal, vetoed by the observer', async () => {
      const source = WATCHED[form](pattern(LONG));
      await expect(seal(source.stream, alice, { observe: veto })).rejects.toMatchObject({ code: 'ERR_VETOED' });
      await expectEnded(source, form);
    });

    it.each(['rewrap', 'reseal'] as const)('%s, vetoed by the observer', async (name) => {
      const sample = await sampleOf('compact', LONG);
      const source = WATCHED[form](bodyOf(sample.sealed));
      const options = { observe: veto } as never;
      await expect(BODY_VERBS[name].run(sample, source.stream, options)).rejects.toMatchObject({ code: 'ERR_VETOED' });
      await expectEnded(source, form);
    });

    it('sealFile, target exists', async () => {
      const target = join(await temporaryFolder(), 'x.wax');
      await writeFile(target, 'mine');
      const source = WATCHED[form](pattern(LONG));
      await expect(sealFile(source.stream, target, alice)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
      await expectEnded(source, form);
    });

    it('openFile, target exists', async () => {
      const target = join(await temporaryFolder(), 'x');
      await writeFile(target, 'mine');
      const { sealed } = await sampleOf('compact', LONG);
      const source = WATCHED[form](bodyOf(sealed));
      await expect(openFile(source.stream, target, alice)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
      await expectEnded(source, form);
    });
  });

  it('verify ends it once, not twice', async () => {
    const { sealed } = await sampleOf('attached', LONG);
    const source = WATCHED.iterator(bodyOf(sealed), 50);
    await expect(verify(source.stream, alice)).rejects.toBe(STOP);
    await expectEnded(source, 'iterator');
  });
});

describe('chunks that pass through', () => {
  it.each(['rewrap', 'convert to compact', 'convert to detached'] as const)(
    '%s: a chunk stays what it was when the source reuses its buffer',
    async (name) => {
      const sample = await sampleOf('attached', LONG);
      const made = await BODY_VERBS[name].run(sample, reusing(BODY_VERBS[name].input(sample), 5000));
      await expectOpens(await whole(made, SINKS['for await, chunks kept']), sample.plaintext);
    },
  );

  it.each(['rewrap', 'convert to compact'] as const)('%s: text behind the head is a TypeError', async (name) => {
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
  it.each(['rewrap', 'convert to compact'] as const)('%s: an abort of a short stream is seen', async (name) => {
    const sample = await sampleOf('attached', 100_000);
    const controller = new AbortController();
    const made = streamIn(
      await BODY_VERBS[name].run(sample, cut(BODY_VERBS[name].input(sample), [5000]), { signal: controller.signal }),
    );
    const reading = async (): Promise<void> => {
      for await (const _ of made) controller.abort(STOP);
    };
    await expect(reading()).rejects.toBe(STOP);
  });

  it.each(BODY_VERB_NAMES.filter((name) => !name.startsWith('convert')))(
    '%s of bytes: aborted before',
    async (name) => {
      const sample = await sampleOf('compact', LONG);
      const signal = AbortSignal.abort(STOP);
      await expect(BODY_VERBS[name].run(sample, BODY_VERBS[name].input(sample), { signal })).rejects.toBe(STOP);
    },
  );
  it('convert of bytes: aborted before', async () => {
    const { sealed } = await sampleOf('compact', LONG);
    const run = async (): Promise<void> =>
      void (await convert(sealed as Uint8Array, 'attached', { signal: AbortSignal.abort(STOP) }));
    await expect(run()).rejects.toBe(STOP);
  });
});

describe('convert of a stream', () => {
  it.each(LAYOUTS)('%s: one that ends early is ERR_TRUNCATED', async (layout: Layout) => {
    const { sealed } = await sampleOf(layout, LONG);
    const short = cut(bodyOf(sealed).subarray(0, -5000), [5000]);
    const run = async (): Promise<void> => void (await whole(await convert(withBody(sealed, short), 'compact')));
    await expect(run()).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
  });

  it.each(LAYOUTS)('%s: one that goes on is ERR_TRAILING_DATA', async (layout: Layout) => {
    const { sealed } = await sampleOf(layout, LONG);
    const long = [...cut(bodyOf(sealed), [5000]), pattern(9)];
    const run = async (): Promise<void> => void (await whole(await convert(withBody(sealed, long), 'compact')));
    await expect(run()).rejects.toMatchObject({ code: 'ERR_TRAILING_DATA' });
  });
});

describe('convertFile', () => {
  it('reads the payload that is named, with an output, too', async () => {
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
  it.each([
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

it('private metadata that would not be stored is refused', async () => {
  await expect(seal(pattern(9), alice, { metadata: { filename: 'weights.bin' } as never })).rejects.toThrow(TypeError);
});

it('a source that reuses its buffer: what comes out opens', async () => {
  const sample = await sampleOf('attached', LONG);
  const rewrapped = await collect(await rewrap(reusing(bodyOf(sample.sealed), 5000), alice));
  await expectOpens(rewrapped, sample.plaintext);
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'x'), rewrapped);
  expect((await readFile(join(folder, 'x'))).length).toBe(rewrapped.length);
});
