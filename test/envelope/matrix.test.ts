/**
 * Every verb in every layout and every form that an object can have: bytes, a file, a Node stream, a web stream. And
 * breaking off at a random point: nothing is left behind, neither files nor handles, and what was there still opens.
 */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  convert,
  convertFile,
  type Layout,
  open,
  openFile,
  openRange,
  removeRecipient,
  reseal,
  rewrap,
  seal,
  sealFile,
  verify,
} from '../../src/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect, cut } from '../support/streams.ts';
import { scaled } from '../tier.ts';

const LAYOUTS = ['attached', 'compact', 'detached'] as const;
const SEGMENT = 4096;
const SIZES = [0, 1, SEGMENT - 33, SEGMENT - 32, SEGMENT - 31, 3 * (SEGMENT - 32), 50_000];

/** A body: bytes, or a stream made of them. Chunks of odd sizes. */
const STREAMS = {
  'Node stream': (bytes: Uint8Array) => Readable.from(cut(bytes, [1000, 1, 4096, 77])),
  'web stream': (bytes: Uint8Array) => ReadableStream.from<Uint8Array>(cut(bytes, [513, 5000, 1])),
  iterable: (bytes: Uint8Array) => cut(bytes, [333]),
} as const;
const FORMS = Object.keys(STREAMS) as (keyof typeof STREAMS)[];

type Sealed = Uint8Array | { readonly header: Uint8Array; readonly payload: Uint8Array };

const key = memoryKey('local:a');
const other = memoryKey('local:b');

/** Reads what a verb gave, whatever its form. */
async function whole(made: unknown): Promise<Sealed> {
  if (made instanceof Uint8Array) return made;
  if (typeof made === 'object' && made !== null && 'header' in made && 'payload' in made) {
    const { header, payload } = made as { header: Uint8Array; payload: Uint8Array | ReadableStream<Uint8Array> };
    return { header, payload: payload instanceof Uint8Array ? payload : await collect(payload) };
  }
  return collect(made as ReadableStream<Uint8Array>);
}

/** The object with its payload (or all of it) as a stream of this form. */
function streamed(sealed: Sealed, form: keyof typeof STREAMS): never {
  const make = STREAMS[form];
  return (sealed instanceof Uint8Array ? make(sealed) : { ...sealed, payload: make(sealed.payload) }) as never;
}

function headOf(sealed: Sealed): Uint8Array {
  return sealed instanceof Uint8Array ? sealed : sealed.header;
}

function withHead(sealed: Sealed, changed: Uint8Array): Sealed {
  return sealed instanceof Uint8Array ? changed : { ...sealed, header: changed };
}

async function expectOpens(sealed: Sealed, plaintext: Uint8Array, keys = [key]): Promise<void> {
  expect(Buffer.compare(await open(sealed as Uint8Array, keys), plaintext)).toBe(0);
  expect((await verify(sealed, keys)).findings).toEqual([]);
}

const sealedAs = async (plaintext: Uint8Array, layout: Layout): Promise<Sealed> =>
  whole(await seal(plaintext, key, { layout, segmentLength: SEGMENT } as { layout: 'compact' }));

describe.each(LAYOUTS)('%s', (layout) => {
  it.each(SIZES)('bytes: every verb, %i bytes', async (size) => {
    const plaintext = pattern(size);
    const sealed = await sealedAs(plaintext, layout);
    await expectOpens(sealed, plaintext);
    if (size > 2) {
      const range = await openRange(sealed, key, { start: 1, end: size - 1 });
      expect(Buffer.compare(range, plaintext.subarray(1, size - 1))).toBe(0);
    }
    key.bump();
    await expectOpens(withHead(sealed, await rewrap(headOf(sealed), key)), plaintext);
    const added = withHead(sealed, await addRecipient(headOf(sealed), key, other));
    await expectOpens(added, plaintext, [other]);
    await expectOpens(withHead(added, await removeRecipient(headOf(added), key, 'local:a')), plaintext, [other]);
    await expectOpens(await whole(await reseal(sealed as Uint8Array, key)), plaintext);
    for (const to of LAYOUTS)
      await expectOpens(await whole(await convert(sealed as Uint8Array, to as 'compact')), plaintext);
  });

  describe.each(FORMS)('%s', (form) => {
    it.each(SIZES)('every verb, %i bytes', async (size) => {
      const plaintext = pattern(size);
      for (const known of [size, undefined]) {
        const options = { layout, segmentLength: SEGMENT, size: known } as { layout: 'compact' };
        const sealed = await whole(await seal(STREAMS[form](plaintext), key, options));
        await expectOpens(sealed, plaintext);
        expect(Buffer.compare(await collect((await open(streamed(sealed, form), key)) as never), plaintext)).toBe(0);
        expect(await verify(streamed(sealed, form), key)).toMatchObject({ ok: true, size });
        const head = STREAMS[form];
        const changes = [await rewrap(head(headOf(sealed)), key), await addRecipient(head(headOf(sealed)), key, other)];
        for (const changed of changes) await expectOpens(withHead(sealed, await collect(changed)), plaintext);
        await expectOpens(await whole(await reseal(streamed(sealed, form), key)), plaintext);
        for (const to of LAYOUTS) {
          await expectOpens(await whole(await convert(streamed(sealed, form), to as 'compact')), plaintext);
        }
      }
    });
  });

  it.each(SIZES)('files: every verb, %i bytes', async (size) => {
    const folder = await temporaryFolder();
    const [plain, path, copy] = ['m', 'm.wax', 'copy'].map((name) => join(folder, name)) as [string, string, string];
    const plaintext = pattern(size);
    await writeFile(plain, plaintext);
    await sealFile(plain, path, key, { layout, segmentLength: SEGMENT });
    const opens = async (keys = [key]): Promise<void> => {
      await openFile(path, copy, keys, { overwrite: true });
      expect(Buffer.compare(await readFile(copy), plaintext)).toBe(0);
      expect((await verify(path, keys)).findings).toEqual([]);
    };
    await opens();
    key.bump();
    expect((await rewrap(path, key)).changed).toBe(true);
    await addRecipient(path, key, other);
    await opens([other]);
    await removeRecipient(path, key, 'local:b');
    await reseal(path, key);
    await opens();
    for (const to of LAYOUTS) {
      await convertFile(path, to);
      await opens();
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('breaking off at a random point', () => {
  const plaintext = pattern(300_000);
  const STOP = new Error('enough');
  const handles = (): number | undefined => {
    try {
      return readdirSync('/proc/self/fd').length;
    } catch {
      return undefined;
    }
  };

  /** A stream that says whether it was ended (also before it was begun), and after `fails` chunks throws. */
  function source(bytes: Uint8Array, fails = Infinity): { stream: AsyncIterable<Uint8Array>; ended: () => boolean } {
    const chunks = [...cut(bytes, [5000])].values();
    let ended = false;
    let given = 0;
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      next() {
        if (given++ >= fails) return Promise.reject(STOP);
        for (const value of chunks) return Promise.resolve({ value });
        ended = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      return() {
        ended = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { stream: { [Symbol.asyncIterator]: () => iterator }, ended: () => ended };
  }

  it.each(LAYOUTS)('streams, %s: aborted, cancelled, failing and cut short', async (layout) => {
    const sealed = await sealedAs(plaintext, layout);
    const rounds = scaled(6, 30, 300);
    for (let round = 0; round < rounds; round += 1) {
      const at = round === 0 ? 1 : randomInt(1, 50);
      const body = sealed instanceof Uint8Array ? sealed : sealed.payload;
      const verbs = {
        seal: (stream: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
          seal(stream, key, { layout, segmentLength: SEGMENT, signal } as { layout: 'compact' }),
        open: (stream: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
          open((sealed instanceof Uint8Array ? stream : { ...sealed, payload: stream }) as never, key, { signal }),
        reseal: (stream: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
          reseal((sealed instanceof Uint8Array ? stream : { ...sealed, payload: stream }) as never, key, { signal }),
      };
      for (const [verb, run] of Object.entries(verbs)) {
        const input = verb === 'seal' ? plaintext : body;
        const what = `${verb}, ${layout}, after ${String(at)} chunks`;
        const start = async (stream: AsyncIterable<Uint8Array>, signal = new AbortController().signal) => {
          const made: unknown = await run(stream, signal);
          return made instanceof ReadableStream
            ? (made as ReadableStream<Uint8Array>)
            : (made as { payload: ReadableStream<Uint8Array> }).payload;
        };
        const aborted = source(input);
        const controller = new AbortController();
        const reading = async (): Promise<void> => {
          let seen = 0;
          for await (const _ of await start(aborted.stream, controller.signal))
            if (++seen === at) controller.abort(STOP);
          // So few chunks that it was over before.
          if (seen < at) throw STOP;
        };
        await expect(reading(), what).rejects.toBe(STOP);
        expect(aborted.ended(), what).toBe(true);

        const cancelled = source(input);
        let seen = 0;
        for await (const _ of await start(cancelled.stream)) if (++seen === Math.min(at, 5)) break;
        await sleep(0);
        expect(cancelled.ended(), what).toBe(true);

        const failing = source(input, Math.min(at, 50));
        await expect(start(failing.stream).then(collect), what).rejects.toBe(STOP);
        if (verb !== 'seal') {
          await expect(
            start(source(input.subarray(0, input.length - at)).stream).then(collect),
            what,
          ).rejects.toMatchObject({
            code: expect.stringMatching(/^ERR_(TRUNCATED|AUTHENTICATION)$/) as string,
          });
        }
      }
    }
  });

  it.each(LAYOUTS)('files, %s: nothing is left behind, and what was there still opens', async (layout) => {
    const folder = await temporaryFolder();
    const [plain, path, copy] = ['m', 'm.wax', 'copy'].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(plain, plaintext);
    const fresh = join(folder, 'new.wax');
    await sealFile(plain, path, key, { layout, segmentLength: SEGMENT });
    const before = (await readdir(folder)).sort();
    await sleep(20);
    const opened = handles();
    for (let round = 0; round < scaled(8, 40, 400); round += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const from = randomInt(0, plaintext.length);
      const onProgress = ({ doneBytes }: { doneBytes: number }): void => {
        if (doneBytes >= from) controller.abort(STOP);
      };
      const works = [
        () => sealFile(plain, fresh, key, { layout, segmentLength: SEGMENT, signal, onProgress, overwrite: true }),
        () => openFile(path, copy, key, { signal, onProgress, overwrite: true }),
        () => reseal(path, key, { signal, onProgress }),
        () => verify(path, key, { signal, onProgress }),
      ];
      // Where the last bytes had gone by before the abort was seen, it is simply done.
      await works[round % works.length]?.().catch((error: unknown) => expect(error).toBe(STOP));
      await expect(openFile(path, copy, key, { signal: AbortSignal.abort(STOP) })).rejects.toBe(STOP);
      await expect(reseal(path, key, { signal: AbortSignal.abort(STOP) })).rejects.toBe(STOP);
      await expect(rewrap(path, key, { signal: AbortSignal.abort(STOP) })).rejects.toBe(STOP);
    }
    await sleep(20);
    for (const name of ['new.wax', 'new.floe', 'copy']) await rm(join(folder, name), { force: true });
    expect((await readdir(folder)).filter((name) => name !== '.waxseal.lock').sort()).toEqual(before);
    expect(handles()).toBe(opened);
    await openFile(path, copy, key);
    expect(Buffer.compare(await readFile(copy), plaintext)).toBe(0);
  });
});

it('a compact object with one local recipient and no context is at most 450 bytes longer', async () => {
  const sealed = await seal(new Uint8Array(1024), key, { layout: 'compact' });
  console.log(`compact overhead: ${String(sealed.length - 1024)} bytes`);
  expect(sealed.length - 1024).toBeLessThanOrEqual(450);
});
