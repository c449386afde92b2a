import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspect, open, openObject, openRange, type RandomAccess, seal, verify } from '../../src/envelope/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const SEGMENT = 4096;
const PLAIN = SEGMENT - 32;
const key = memoryKey();
const plaintext = pattern(5 * PLAIN + 100);

function counting(bytes: Uint8Array): RandomAccess & { reads: { offset: number; length: number }[] } {
  const reads: { offset: number; length: number }[] = [];
  return {
    size: bytes.length,
    reads,
    read(offset, length) {
      reads.push({ offset, length });
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}

describe('openRange and openObject', () => {
  it('property: every range of the plaintext, sized or not', async () => {
    const sized = await seal(plaintext, key, { segmentLength: SEGMENT });
    const unsized = await collect(await seal([plaintext], key, { segmentLength: SEGMENT }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: plaintext.length - 1 }),
        fc.integer({ min: 0, max: plaintext.length + 1000 }),
        fc.boolean(),
        async (start, length, isSized) => {
          const end = start + length;
          const got = await openRange(isSized ? sized : unsized, key, { start, end });
          expect(got).toEqual(plaintext.subarray(start, end));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads the head once and then only the segments that overlap', async () => {
    const source = counting(await seal(plaintext, key, { segmentLength: SEGMENT }));
    const { payloadOffset } = await inspect(source);
    source.reads.length = 0;
    const object = await openObject(source, key);
    source.reads.length = 0;
    await object.read(PLAIN - 1, PLAIN + 1);
    expect(source.reads).toEqual([{ offset: payloadOffset, length: 2 * SEGMENT }]);
    source.reads.length = 0;
    await object.read(3 * PLAIN, 3 * PLAIN + 10);
    expect(source.reads).toEqual([{ offset: payloadOffset + 3 * SEGMENT, length: SEGMENT }]);
    await object.close();
  });

  it('concurrent reads of one object do not disturb each other', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.wax');
    await writeFile(path, await seal(plaintext, key, { segmentLength: SEGMENT }));
    const object = await openObject(path, key);
    const reads = Array.from({ length: 64 }, async (_, i) => {
      const start = (i * 997) % plaintext.length;
      expect(await object.read(start, start + 3000)).toEqual(plaintext.subarray(start, start + 3000));
    });
    await Promise.all(reads);
    await object.close();
    await expect(object.read(0, 1)).rejects.toThrow(/closed/);
  });

  it('a range outside the object is ERR_RANGE_NOT_SATISFIABLE; nonsense is a RangeError', async () => {
    const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });
    const at = (start: number, end?: number): Promise<Uint8Array> => openRange(sealed, key, { start, end });
    await expect(at(plaintext.length)).resolves.toHaveLength(0);
    await expect(at(plaintext.length, plaintext.length + 1)).rejects.toMatchObject({
      code: 'ERR_RANGE_NOT_SATISFIABLE',
    });
    await expect(at(plaintext.length + 1)).rejects.toThrow(RangeError);
    for (const [start, end] of [
      [-1, 1],
      [5, 4],
      [0.5, 1],
      [Number.NaN, 1],
      [0, Number.NaN],
    ] as const) {
      await expect(at(start, end)).rejects.toThrow(RangeError);
    }
    const empty = await seal(new Uint8Array(0), key);
    await expect(openRange(empty, key, { start: 0 })).resolves.toHaveLength(0);
  });

  it('attack 10: truncation at every segment boundary never gives a size, a range or an end', async () => {
    for (const isSized of [true, false]) {
      const sealed = isSized
        ? await seal(plaintext, key, { segmentLength: SEGMENT })
        : await collect(await seal([plaintext], key, { segmentLength: SEGMENT }));
      const { payloadOffset } = await inspect(sealed);
      for (let segments = 0; segments <= 5; segments += 1) {
        for (const extra of [0, 1, 31, 32, 33]) {
          const cutAt = payloadOffset + segments * SEGMENT + extra;
          if (cutAt >= sealed.length) continue;
          const short = sealed.subarray(0, cutAt);
          const refused = { code: expect.stringMatching(/^ERR_(TRUNCATED|AUTHENTICATION)$/) as string };
          await expect(openObject(short, key), `cut at ${String(cutAt)}`).rejects.toMatchObject(refused);
          await expect(openRange(short, key, { start: 0, end: 10 })).rejects.toMatchObject(refused);
          await expect(openRange(short, key, { start: 10 * PLAIN })).rejects.toMatchObject(refused);
          await expect(open(short, key)).rejects.toMatchObject(refused);
          await expect(open([short], key).then((stream) => collect(stream))).rejects.toMatchObject(refused);
          if (extra === 0) await expect(openObject(short, key)).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
        }
      }
    }
  });

  it('bytes after the end are refused, sized or not, as bytes, as a source and as a stream', async () => {
    for (const isSized of [true, false]) {
      const sealed = isSized
        ? await seal(plaintext, key, { segmentLength: SEGMENT })
        : await collect(await seal([plaintext], key, { segmentLength: SEGMENT }));
      for (const extra of [1, 32, SEGMENT]) {
        const longer = new Uint8Array(Buffer.concat([sealed, pattern(extra, 9)]));
        const refused = {
          code: expect.stringMatching(/^ERR_(TRAILING_DATA|AUTHENTICATION|MALFORMED|TRUNCATED)$/) as string,
        };
        await expect(open(longer, key)).rejects.toMatchObject(isSized ? { code: 'ERR_TRAILING_DATA' } : refused);
        await expect(open([longer], key).then((stream) => collect(stream))).rejects.toMatchObject({
          code: 'ERR_TRAILING_DATA',
        });
        await expect(openObject(longer, key)).rejects.toMatchObject(refused);
      }
    }
  });

  it('a file that shrinks while it is open gives ERR_TRUNCATED, never a short read', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.wax');
    await writeFile(path, await seal(plaintext, key, { segmentLength: SEGMENT }));
    const object = await openObject(path, key);
    await truncate(path, (await stat(path)).size - 200);
    await expect(object.read(5 * PLAIN)).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
    await expect(collect(object.stream())).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
    await object.close();
  });

  it('close is harmless twice, and `await using` closes', async () => {
    const sealed = await seal(plaintext, key);
    const object = await openObject(sealed, key);
    await object.close();
    await object.close();
    let kept;
    {
      await using inner = await openObject(sealed, key);
      kept = inner;
      expect(await inner.read(0, 1)).toHaveLength(1);
    }
    await expect(kept.read(0, 1)).rejects.toThrow(/closed/);
  });

  it('verify reads the whole payload and agrees', async () => {
    const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });
    expect(await verify(sealed, key)).toMatchObject({ ok: true, findings: [], size: plaintext.length });
  });
});
