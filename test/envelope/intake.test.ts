/** How a stream that was handed in is read and left. */
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Intake, takeIn } from '../../src/envelope/intake.ts';
import {
  addRecipient,
  type ByteStream,
  convertFile,
  inspect,
  open,
  openFile,
  openObject,
  removeRecipient,
  repair,
  reseal,
  rewrap,
  seal,
  sealFile,
  shred,
} from '../../src/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const key = memoryKey('local:a');
const STOP = new RangeError('enough');

/** Never answers. */
const silent = (): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
});

describe('an intake', () => {
  it('that was left fails instead of ending, so that a cut is never taken for the end', async () => {
    const intake = new Intake([pattern(9)], undefined);
    await intake.return();
    await expect(intake.next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('that was left while it waits fails at once', async () => {
    const intake = new Intake(silent(), undefined);
    const waiting = intake.next();
    await intake.return();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('gives the reason of its signal, before, during and after', async () => {
    await expect(new Intake([pattern(9)], AbortSignal.abort(STOP)).next()).rejects.toBe(STOP);
    const controller = new AbortController();
    const intake = new Intake(silent(), controller.signal);
    const waiting = intake.next();
    controller.abort(STOP);
    await expect(waiting).rejects.toBe(STOP);
    await expect(intake.next()).rejects.toBe(STOP);
  });

  it('hears of its signal no more once it is over', async () => {
    const controller = new AbortController();
    const intake = new Intake([pattern(9)], controller.signal);
    expect((await intake.next()).value).toEqual(pattern(9));
    expect((await intake.next()).done).toBe(true);
    controller.abort(STOP);
    expect((await intake.next()).done).toBe(true);
  });

  it('gives the reason of the consumer to a web stream', async () => {
    let told: unknown;
    const source = new ReadableStream<Uint8Array>({ cancel: (reason) => void (told = reason) });
    const sealed = await seal(source, key);
    await sealed.cancel(STOP);
    expect(told).toBe(STOP);
  });

  it('does not pass on what goes wrong while a stream is left', async () => {
    const cancel = (): never => {
      throw new TypeError('cannot');
    };
    const streams: ByteStream[] = [
      new ReadableStream<Uint8Array>({ cancel }),
      { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: cancel }) },
    ];
    for (const stream of streams) {
      await expect(takeIn(stream, undefined, () => Promise.reject(STOP))).rejects.toBe(STOP);
      const waiting = new Intake(
        stream instanceof ReadableStream ? new ReadableStream({ cancel }) : stream,
        AbortSignal.timeout(5),
      );
      await expect(waiting.next()).rejects.toMatchObject({ name: 'TimeoutError' });
    }
  });

  it('of a stream that was read to its end before is refused: it would be sealed as empty', async () => {
    const sources = [
      () => Readable.from([pattern(9)]),
      () => ReadableStream.from<Uint8Array>([pattern(9)]),
      () => new Response(pattern(9)).body as ReadableStream<Uint8Array>,
      () => createReadStream(import.meta.filename),
    ];
    for (const make of sources) {
      const source = make();
      for await (const _ of source as AsyncIterable<Uint8Array>);
      const error = await seal(source, key)
        .then(collect, (thrown: unknown) => thrown)
        .catch((thrown: unknown) => thrown);
      expect(error).toEqual(new TypeError('the stream had been read to its end before it was handed in'));
    }
    // What is left of one is sealed, and so is one that is empty.
    const rest = ReadableStream.from<Uint8Array>([pattern(9), pattern(3)]);
    const reader = rest.getReader();
    await reader.read();
    reader.releaseLock();
    expect(await open(await collect(await seal(rest, key)), key)).toEqual(pattern(3));
    expect(await open(await collect(await seal(Readable.from([]), key)), key)).toEqual(new Uint8Array(0));
  });

  it('of a web stream that somebody reads is refused', async () => {
    const stream = new ReadableStream<Uint8Array>();
    stream.getReader();
    await expect(seal(stream, key)).rejects.toThrow(TypeError);
  });
});

describe('a Node stream', () => {
  it('of a file that is not there is an error of the reader, and does not end the process', async () => {
    const sealed = await seal(createReadStream('/nowhere/at-all'), key);
    await sleep(20);
    await expect(collect(sealed)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that failed before it was handed in is an error', async () => {
    const source = new PassThrough();
    source.on('error', () => undefined);
    source.destroy(STOP);
    await sleep(1);
    await expect(seal(source, key).then(collect)).rejects.toBe(STOP);
  });

  it('that is destroyed half-way is an error, never a shorter object', async () => {
    const source = new PassThrough();
    source.write(pattern(100));
    const sealed = (await seal(source, key)).getReader();
    await sealed.read();
    source.destroy();
    const reading = async (): Promise<void> => {
      while (!(await sealed.read()).done);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  it('leaves no listener on a signal that lives on', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
    const remove = signal.removeEventListener.bind(signal) as (...args: unknown[]) => void;
    signal.addEventListener = (...args: unknown[]) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners -= 1;
      remove(...args);
    };
    const sealed = await collect(await seal(Readable.from([pattern(100)]), key, { signal }));
    expect(listeners).toBe(0);
    const opened = await open(Readable.from([sealed]), key, { signal });
    await opened.cancel();
    expect(listeners).toBe(0);
  });
});

it('what a source reads into is its own, and may be used again', async () => {
  const sealed = await seal(pattern(20_000), key, { segmentLength: 4096 });
  const buffer = Buffer.alloc(200_000);
  const object = await openObject(
    {
      size: sealed.length,
      read: (offset, length) => {
        buffer.fill(0xee);
        buffer.set(sealed.subarray(offset, offset + length));
        return Promise.resolve(buffer.subarray(0, length));
      },
    },
    key,
  );
  expect(Buffer.compare(await object.read(0), pattern(20_000))).toBe(0);
  await object.close();
});

it('file URLs name files wherever paths do', async () => {
  const folder = await temporaryFolder();
  const [plain, sealed, copy] = ['ä b', 'ä b.wax', 'copy'].map((name) => pathToFileURL(join(folder, name)));
  if (plain === undefined || sealed === undefined || copy === undefined) throw new Error('three names');
  await writeFile(plain, pattern(100));
  await sealFile(plain, sealed, key);
  await rewrap(sealed, key);
  await addRecipient(sealed, key, memoryKey('local:b'));
  await removeRecipient(sealed, key, 'local:b');
  await reseal(sealed, key);
  expect(await convertFile(sealed, 'compact')).toMatchObject({ path: join(folder, 'ä b.wax') });
  expect(await repair(sealed, key)).toMatchObject({ repaired: [] });
  await openFile(sealed, copy, key);
  expect(new Uint8Array(await readFile(copy))).toEqual(pattern(100));
  await shred(sealed);
  expect((await inspect(sealed)).lists).toBe('erased');
});
