import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspect, open, openFile, seal, sealFile } from '../../src/envelope/index.ts';
import { pattern } from '../support/bytes.ts';
import { leftovers, temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect, cut, reusing } from '../support/streams.ts';

const SEGMENT = 4096;
const PLAIN = SEGMENT - 32;
const SIZES = [0, 1, PLAIN - 1, PLAIN, PLAIN + 1, 2 * PLAIN, 3 * PLAIN + 17];
const key = memoryKey();

describe('seal and open', () => {
  it.each(SIZES)('bytes: a round trip of %i bytes', async (size) => {
    const plaintext = pattern(size);
    const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });
    expect(await open(sealed, key)).toEqual(plaintext);
  });

  it.each(SIZES)('file: a round trip of %i bytes, sized in the core', async (size) => {
    const folder = await temporaryFolder();
    const [source, target, back] = ['a', 'a.wax', 'b'].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(source, pattern(size));
    const report = await sealFile(source, target, key, { segmentLength: SEGMENT });
    expect(report.size).toBe(size);
    expect((await stat(target)).size).toBe(report.sealedSize);
    expect((await inspect(target)).size).toBe(size);
    expect((await openFile(target, back, key)).size).toBe(size);
    expect(new Uint8Array(await readFile(back))).toEqual(pattern(size));
    expect(await leftovers(folder)).toEqual([]);
  });

  it.each(SIZES)('web stream: a round trip of %i bytes', async (size) => {
    const plaintext = pattern(size);
    const web = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
      Readable.toWeb(Readable.from(cut(bytes, [1000, 3, 5000])));
    const sealed = await collect(await seal(web(plaintext), key, { segmentLength: SEGMENT }));
    expect((await inspect(sealed)).size).toBeUndefined();
    expect(await collect(await open(web(sealed), key))).toEqual(plaintext);
    expect(await open(sealed, key)).toEqual(plaintext);
  });

  it('Node streams: a pipeline from file to file', async () => {
    const folder = await temporaryFolder();
    const path = (name: string): string => join(folder, name);
    const plaintext = pattern(5 * PLAIN + 5);
    await writeFile(path('a'), plaintext);
    const sealed = await seal(createReadStream(path('a'), { highWaterMark: 777 }), key, {
      segmentLength: SEGMENT,
      size: plaintext.length,
    });
    await pipeline(sealed, createWriteStream(path('a.wax')));
    await pipeline(await open(createReadStream(path('a.wax')), key), createWriteStream(path('b')));
    expect(new Uint8Array(await readFile(path('b')))).toEqual(plaintext);
  });

  it('property: any size, any chunking, any segment length, both ways', async () => {
    const chunking = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 4096, max: 20_000 }),
        chunking,
        chunking,
        fc.boolean(),
        async (size, segmentLength, chunksIn, chunksOut, sized) => {
          const plaintext = pattern(size, size + 1);
          const options = sized ? { segmentLength, size } : { segmentLength };
          const sealed = await collect(await seal(cut(plaintext, chunksIn), key, options));
          expect(await collect(await open(cut(sealed, chunksOut), key))).toEqual(plaintext);
          expect(await open(sealed, key)).toEqual(plaintext);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('a source may reuse its buffer between chunks', async () => {
    const plaintext = pattern(10 * PLAIN);
    for (const length of [100, PLAIN, 3 * PLAIN + 1]) {
      const sealed = await collect(await seal(reusing(plaintext, length), key, { segmentLength: SEGMENT }));
      expect(await collect(await open(reusing(sealed, length), key))).toEqual(plaintext);
    }
  });

  it('leaves the buffers of the caller alone', async () => {
    const plaintext = pattern(3 * PLAIN);
    const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });
    expect(plaintext).toEqual(pattern(3 * PLAIN));
    const copy = sealed.slice();
    await open(sealed, key);
    expect(sealed).toEqual(copy);
  });

  it('draws a new id, data key and IV every time', async () => {
    const once = await seal(pattern(100), key);
    const again = await seal(pattern(100), key);
    expect((await inspect(once)).id).not.toBe((await inspect(again)).id);
    expect(Buffer.from(once).subarray(-132)).not.toEqual(Buffer.from(again).subarray(-132));
  });

  it('a stream longer or shorter than promised is refused with ERR_SIZE_MISMATCH', async () => {
    for (const size of [0, 99, 101, 10_000]) {
      const sealed = seal([pattern(100)], key, { size }).then((stream) => collect(stream));
      await expect(sealed).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
    }
    const folder = await temporaryFolder();
    const target = join(folder, 'x.wax');
    await expect(sealFile([pattern(100)], target, key, { size: 99 })).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
    });
    await expect(stat(target)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await leftovers(folder)).toEqual([]);
  });

  it('reports progress in plaintext bytes up to the whole', async () => {
    const seen: number[] = [];
    await seal(pattern(3 * PLAIN), key, {
      segmentLength: SEGMENT,
      onProgress: ({ doneBytes }) => seen.push(doneBytes),
    });
    expect(seen).toEqual([PLAIN, 2 * PLAIN, 3 * PLAIN]);
  });

  it('tells what it opened: id, context, private metadata, and which entry', async () => {
    const metadata = { name: 'weights.onnx', mediaType: 'application/octet-stream' };
    const sealed = await seal(pattern(10), key, { context: { team: 'vision', größe: '大' }, metadata });
    const infos: unknown[] = [];
    await open(sealed, key, { onInfo: (info) => infos.push(info) });
    expect(infos).toMatchObject([
      {
        id: (await inspect(sealed)).id,
        context: { team: 'vision', größe: '大' },
        metadata,
        openedBy: { uri: key.uri, version: '1', symmetricWrap: true, tag: 'valid' },
      },
    ]);
    expect(Buffer.from(sealed).includes('weights.onnx')).toBe(false);
  });

  it('abort stops sealing and opening with the reason of the signal, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const reason = new DOMException('enough', 'AbortError');
    const signal = AbortSignal.abort(reason);
    await expect(seal(pattern(10), key, { signal })).rejects.toBe(reason);
    const sealed = await seal(pattern(40 * PLAIN), key, { segmentLength: SEGMENT });
    const controller = new AbortController();
    const opening = openFile(sealed, join(folder, 'x'), key, {
      signal: controller.signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes > 5 * PLAIN) controller.abort(reason);
      },
    });
    await expect(opening).rejects.toBe(reason);
    const sealing = sealFile(cut(pattern(40 * PLAIN), [PLAIN]), join(folder, 'y'), key, {
      segmentLength: SEGMENT,
      signal: AbortSignal.any([controller.signal]),
    });
    await expect(sealing).rejects.toBe(reason);
    const { readdir } = await import('node:fs/promises');
    expect(await readdir(folder)).toEqual([]);
  });

  it('a consumer that stops reading ends the source too', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          await Promise.resolve();
          yield pattern(PLAIN);
        }
      } finally {
        ended = true;
      }
    }
    const stream = await seal(endless(), key, { segmentLength: SEGMENT });
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    expect(ended).toBe(true);
  });

  it.each([
    ['text', 'text'],
    ['undefined', undefined],
    ['a number', 7],
    ['an ArrayBuffer', new ArrayBuffer(8)],
  ])('refuses %s as input with a TypeError that names the right verb', async (_, input) => {
    await expect(seal(input as never, key)).rejects.toThrow(TypeError);
    await expect(seal(input as never, key)).rejects.toThrow(/sealFile/);
    await expect(open(input as never, key)).rejects.toThrow(/openFile/);
  });

  it('refuses a stream whose chunks are not bytes', async () => {
    await expect(seal(['text'] as unknown as Uint8Array[], key).then((stream) => collect(stream))).rejects.toThrow(
      TypeError,
    );
    await expect(open(['text'] as unknown as Uint8Array[], key)).rejects.toThrow(TypeError);
  });
});
