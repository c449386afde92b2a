import { realpath, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import { fromSystemError, refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { type AtomicOutput, openAtomicOutput, syncFolder, writeFully } from '../../files/index.ts';
import { requirePath } from '../path-input.ts';
import { payloadPathOf } from '../detached.ts';
import { BATCH_BYTES, readSourceAhead } from '../file-reading.ts';
import type { Layout } from '../format/layout.ts';
import { requireLayout } from '../format/layout.ts';
import { type LoadedObject, loadObject } from '../load-object.ts';
import { openOutputs } from '../outputs.ts';
import { shapeOfObject } from '../payload.ts';
import { IN_PLACE_OPTIONS, type InPlaceOptions } from '../rewrap/change-object.ts';
import { assertStillThere, type ObjectFile, withObjectFile } from '../rewrap/object-file.ts';
import { replacementOf } from '../rewrap/replace-whole.ts';
import type { SealedSource } from '../source.ts';
import { type ConvertedHead, convertedHead } from './convert.ts';

/** Options of {@link convertFile}. */
export interface ConvertFileOptions extends Omit<InPlaceOptions, 'observe'> {
  /** Where the result goes; the source then stays as it is. Without it, the file itself is converted. */
  readonly output?: string | undefined;
  /** The payload of a detached object, before or after, where it does not lie beside its header. */
  readonly payload?: string | undefined;
  /** Replace existing output. */
  readonly overwrite?: boolean | undefined;
}

/** What a conversion did (in a dry run: would do). */
export interface ConvertReport {
  /** 32 hexadecimal digits, as the head says: nothing was authenticated. */
  readonly id: string;
  /** The layout it had. */
  readonly from: Layout;
  /** The layout it has now. */
  readonly to: Layout;
  /** False when it had that layout already. */
  readonly changed: boolean;
  /** The object, or the header of a detached one. */
  readonly path: string;
  /** The payload of a detached object. */
  readonly payload: string | undefined;
}

/**
 * Converts a sealed file to another layout without its key and without touching its segments: `detached` splits it into
 * `x.wax` and `x.floe`, `attached` and `compact` join them again. In place, what stands under the name opens at every
 * moment; kill it, and run it again.
 *
 * @param file path or file URL of the sealed file, or the header of a detached object
 * @throws WaxsealError as `convert`, and `ERR_OUTPUT_EXISTS`, `ERR_INPUT_CHANGED`, `ERR_BUSY`, `ERR_DISK_FULL`, `ERR_IO`
 * @see SPEC.md "Converting"
 *
 * @example
 * await convertFile('model.onnx.wax', 'detached');
 */
export async function convertFile(
  file: string | URL,
  layout: Layout,
  options: ConvertFileOptions = {},
): Promise<ConvertReport> {
  refuseUnknownOptions('convertFile', options, [
    ...IN_PLACE_OPTIONS.filter((name) => name !== 'observe'),
    'output',
    'payload',
    'overwrite',
  ]);
  const to = requireLayout(layout);
  const path = requirePath('convertFile', file, '; bytes and streams go to convert');
  const { output } = options;
  if (output !== undefined && resolve(output) !== resolve(path)) return convertTo(path, output, to, options);
  return withObjectFile(path, options, (opened) => convertInPlace(opened, to, options));
}

/** Loads the object and checks that nothing of it is missing. */
async function loadWhole(path: string, payload: string | undefined): Promise<LoadedObject> {
  let loaded: LoadedObject;
  try {
    loaded = await loadObject(sourceOf(path, payload), undefined);
  } catch (error) {
    // The payload that was named is where the new one goes.
    if (payload === undefined || !(error instanceof WaxsealError) || error.code !== 'ERR_UNEXPECTED_OBJECT')
      throw error;
    loaded = await loadObject(path, undefined);
  }
  try {
    shapeOfObject(loaded.head, loaded.payload.size, loaded.payload.name);
    return loaded;
  } catch (error) {
    await loaded.close();
    throw error;
  }
}

function sourceOf(path: string, payload: string | undefined): SealedSource {
  return payload === undefined ? path : { header: path, payload };
}

async function convertTo(
  path: string,
  output: string,
  to: Layout,
  options: ConvertFileOptions,
): Promise<ConvertReport> {
  const loaded = await loadWhole(path, options.payload);
  try {
    const converted = convertedHead(loaded, to, path);
    const payload = to === 'detached' ? (options.payload ?? payloadPathOf(output)) : undefined;
    const report = { ...facts(loaded, to), changed: true, path: output, payload };
    if (options.dryRun === true) return report;
    const outputs = await openOutputs(output, payload, { overwrite: options.overwrite === true });
    try {
      await copySegments(loaded, converted.prefix, outputs.body, outputs.bodyPath, options.signal);
      await outputs.commit(converted.header);
    } finally {
      await outputs.discard();
    }
    return report;
  } finally {
    await loaded.close();
  }
}

async function convertInPlace(file: ObjectFile, to: Layout, options: ConvertFileOptions): Promise<ConvertReport> {
  const path = file.realPath;
  const loaded = await loadWhole(path, options.payload);
  try {
    const from = loaded.head.geometry.layout;
    // The name that the caller knows, unless it is a link to somewhere else.
    const shown = resolve(file.name) === path ? file.name : path;
    const payload = options.payload ?? payloadPathOf(shown);
    const report = { ...facts(loaded, to), path: shown, payload: to === 'detached' ? payload : undefined };
    if (from === to) return { ...report, changed: false };
    const converted = convertedHead(loaded, to, file.name);
    if (options.dryRun === true) return { ...report, changed: true };
    if (to === 'detached') await detach(file, payload, loaded, converted, options);
    else await attach(file, loaded, converted, options);
    if (from === 'detached') await removePayload(loaded.payload.name);
    return { ...report, changed: true };
  } finally {
    await loaded.close();
  }
}

/** The payload first: until the header takes the place of the whole object, that one opens. */
async function detach(
  file: ObjectFile,
  payload: string,
  loaded: LoadedObject,
  converted: ConvertedHead,
  options: ConvertFileOptions,
): Promise<void> {
  // The payload would take the place of the object, and nothing would be left to open it with.
  if ((await samePath(payload, file.realPath)) || resolve(payload) === resolve(file.name)) {
    throw new TypeError('header and payload cannot be one file');
  }
  const body = await openAtomicOutput(payload, { overwrite: options.overwrite === true });
  const header = await replacementOf(file).catch(async (error: unknown) => {
    await body.discard();
    throw error;
  });
  try {
    await copySegments(loaded, converted.prefix, body, payload, options.signal);
    await writing(file.name, writeFully(header.handle, converted.header ?? new Uint8Array(0), 0));
    await body.commit();
    await assertStillThere(file);
    await header.commit();
  } finally {
    await body.discard();
    await header.discard();
  }
}

/** Whether two paths name one file, also through links. */
async function samePath(path: string, real: string): Promise<boolean> {
  return realpath(path).then(
    (found) => found === real,
    () => false,
  );
}

/** The whole object takes the place of the header; its payload is of no use then. */
async function attach(
  file: ObjectFile,
  loaded: LoadedObject,
  { prefix }: ConvertedHead,
  { signal }: ConvertFileOptions,
): Promise<void> {
  const whole = await replacementOf(file);
  try {
    await copySegments(loaded, prefix, whole, file.name, signal);
    await assertStillThere(file);
    await whole.commit();
  } finally {
    await whole.discard();
  }
}

async function copySegments(
  { head, payload }: LoadedObject,
  prefix: Uint8Array,
  output: AtomicOutput,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await writing(name, writeFully(output.handle, prefix, 0));
  const start = head.geometry.segments;
  let offset = prefix.length;
  for await (const chunk of readSourceAhead(payload, start, payload.size, BATCH_BYTES)) {
    signal?.throwIfAborted();
    await writing(name, writeFully(output.handle, chunk, offset));
    offset += chunk.length;
  }
  if (offset - prefix.length !== payload.size - start) {
    throw new WaxsealError('ERR_INPUT_CHANGED', `${payload.name} changed while it was being copied`, {
      object: payload.name,
    });
  }
}

async function removePayload(path: string): Promise<void> {
  try {
    await unlink(path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw fromSystemError(error, 'delete', path);
  }
}

function facts({ head }: LoadedObject, to: Layout): Pick<ConvertReport, 'id' | 'from' | 'to'> {
  return { id: toHex(head.core.id), from: head.geometry.layout, to };
}

async function writing(name: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw fromSystemError(error, 'write', name);
  }
}
