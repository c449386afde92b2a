import { join } from 'node:path';
import fc from 'fast-check';
import { asyncBufferFromFile, type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { asAsyncBuffer, asBlob, openObject, type OpenedObject, seal, sealFile } from '../../src/envelope/index.ts';
import { CountedFile } from '../bench/ranges.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const key = memoryKey();
const SEGMENT = 4096;
const plaintext = new Uint8Array(pattern(3 * (SEGMENT - 32) + 100));

/** An object that tells how often it was read. */
async function watched(bytes: Uint8Array): Promise<{ object: OpenedObject; reads: () => number }> {
  const sealed = await seal(bytes, key, { segmentLength: SEGMENT });
  let reads = 0;
  const source = {
    size: sealed.length,
    read(offset: number, length: number) {
      reads += 1;
      return Promise.resolve(sealed.slice(offset, offset + length));
    },
  };
  const object = await openObject(source, key, { cacheBytes: 0 });
  const opened = reads;
  return { object, reads: () => reads - opened };
}

const offset = fc.option(
  fc.oneof(fc.integer({ min: -2 * plaintext.length, max: 2 * plaintext.length }), fc.constantFrom(Infinity, -Infinity)),
  { nil: undefined },
);

describe('asBlob', () => {
  it('property: slices of slices are those of a Blob of the plaintext', async () => {
    const { object } = await watched(plaintext);
    const ours = asBlob(object);
    const theirs = new Blob([plaintext]);
    await fc.assert(
      fc.asyncProperty(offset, offset, offset, offset, async (a, b, c, d) => {
        const got = ours.slice(a, b).slice(c, d);
        const wanted = theirs.slice(a, b).slice(c, d);
        expect(got.size).toBe(wanted.size);
        expect(new Uint8Array(await got.arrayBuffer())).toEqual(new Uint8Array(await wanted.arrayBuffer()));
      }),
      { numRuns: 100 },
    );
    await object.close();
  });

  it('types are those of a Blob', async () => {
    const { object } = await watched(plaintext);
    for (const type of [undefined, '', 'Text/HTML', 'text/plain;charset=UTF-8', 'tëxt/plain', 'a\u0000b']) {
      const ours = asBlob(object, { type });
      const theirs = new Blob([plaintext], type === undefined ? {} : { type });
      expect(ours.type).toBe(theirs.type);
      expect(ours.slice(0, 1).type).toBe(theirs.slice(0, 1).type);
      expect(ours.slice(0, 1, type).type).toBe(theirs.slice(0, 1, type).type);
    }
    expect(() => asBlob(object, { typ: 'text/plain' } as never)).toThrow(/unknown option/);
    await object.close();
  });

  it('reads nothing before it is asked, and then the segments that overlap', async () => {
    const { object, reads } = await watched(plaintext);
    const part = asBlob(object).slice(-100);
    const stream = part.stream();
    await new Promise(setImmediate);
    expect(reads()).toBe(0);
    expect(await collect(stream)).toEqual(plaintext.subarray(-100));
    expect(reads()).toBe(1);
    expect(await part.bytes()).toEqual(plaintext.subarray(-100));
    expect(reads()).toBe(2);
    await object.close();
    await expect(part.bytes()).rejects.toThrow(/closed/);
  });

  it('text is UTF-8, and an empty object is an empty Blob', async () => {
    const { object } = await watched(new TextEncoder().encode('größer als 1'));
    expect(await asBlob(object).text()).toBe('größer als 1');
    expect(await asBlob(object).slice(-1).text()).toBe('1');
    await object.close();
    const { object: empty } = await watched(new Uint8Array(0));
    expect(asBlob(empty).size).toBe(0);
    expect(await asBlob(empty).slice(-5, 5).text()).toBe('');
    expect(await collect(asBlob(empty).stream())).toHaveLength(0);
    await empty.close();
  });
});

describe('asAsyncBuffer', () => {
  it('property: slices are those of an ArrayBuffer', async () => {
    const { object } = await watched(plaintext);
    const file: AsyncBuffer = asAsyncBuffer(object);
    expect(file.byteLength).toBe(plaintext.length);
    await fc.assert(
      fc.asyncProperty(offset, offset, async (start = 0, end) => {
        const got = await file.slice(start, end);
        expect(got).toBeInstanceOf(ArrayBuffer);
        expect(new Uint8Array(got)).toEqual(new Uint8Array(plaintext.buffer.slice(start, end)));
      }),
      { numRuns: 100 },
    );
    await object.close();
  });

  const PARQUET = join(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet');
  const rows = { columns: ['delay'], rowStart: 1000, rowEnd: 1100, compressors };

  for (const layout of ['attached', 'detached'] as const) {
    it(`hyparquet reads a column from a sealed file, ${layout}, and only the segments in which it lies`, async () => {
      const folder = await temporaryFolder();
      const segmentLength = 64 * 1024;
      await sealFile(PARQUET, join(folder, 'f.wax'), key, { layout, segmentLength });
      const original = await asyncBufferFromFile(PARQUET);
      const wanted: [number, number][] = [];
      const recorded: AsyncBuffer = {
        byteLength: original.byteLength,
        slice(start, end = original.byteLength) {
          wanted.push([start < 0 ? original.byteLength + start : start, end]);
          return original.slice(start, end);
        },
      };
      const expected = await parquetReadObjects({ file: recorded, ...rows });

      const header = await CountedFile.open(join(folder, 'f.wax'));
      const payload = layout === 'detached' ? await CountedFile.open(join(folder, 'f.floe')) : header;
      const object = await openObject(layout === 'detached' ? { header, payload } : header, key);
      const [opened, headerReads] = [payload.bytesRead, header.reads];
      const got = await parquetReadObjects({ file: asAsyncBuffer(object), ...rows });
      expect(got).toEqual(expected);
      expect(got).toHaveLength(100);

      // The segments that the reader's slices touch, each once: what it comes back to is kept.
      const plainLength = segmentLength - 32;
      const touched = new Set(
        wanted.flatMap(([start, end]) => {
          const first = Math.floor(start / plainLength);
          return Array.from({ length: Math.floor((end - 1) / plainLength) - first + 1 }, (_, i) => first + i);
        }),
      );
      expect(payload.bytesRead - opened).toBeLessThanOrEqual(touched.size * segmentLength);
      expect(payload.bytesRead - opened).toBeLessThan(payload.size / 4);
      if (layout === 'detached') expect(header.reads).toBe(headerReads);
      expect((await parquetMetadataAsync(asAsyncBuffer(object))).num_rows).toBe(3_000_000n);
      await object.close();
      await header.close();
      if (payload !== header) await payload.close();
    });
  }
});
