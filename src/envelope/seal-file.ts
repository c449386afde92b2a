import type { FileHandle } from 'node:fs/promises';
import { encryptSegmentParts } from '../crypto/floe/segments.ts';
import { fromSystemError, refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { type AtomicOutput, openAtomicOutput, writeFully, writeParts } from '../files/index.ts';
import { observed } from '../keys/observer.ts';
import { BATCH_BYTES, readAhead } from './file-reading.ts';
import { type ByteStream, isByteStream } from './input.ts';
import { keyList, type Keys } from './keys-input.ts';
import { type NewObject, newObject } from './new-object.ts';
import { payloadLength, shapeOfPlaintext } from './payload.ts';
import { SEAL_OPTIONS, sealedChunks, type SealOptions } from './seal.ts';
import { fileSource } from './source.ts';

/** Options of {@link sealFile}. */
export interface SealFileOptions extends SealOptions {
  /** Replace an existing target; it stays as it is until the new one is complete. */
  readonly overwrite?: boolean | undefined;
}

/** What was written. */
export interface SealReport {
  /** 32 hexadecimal digits; give it to `expectId` when opening. */
  readonly id: string;
  /** Plaintext bytes. */
  readonly size: number;
  /** Bytes of the sealed object. */
  readonly sealedSize: number;
  readonly recipients: readonly { readonly uri: string; readonly version: string }[];
}

/**
 * Seals a file (or a stream) into a file. The target appears only when it is complete and on disk. A source that
 * changes while it is read is refused, because what was sealed would be a state that it never had.
 *
 * @param source a path, a file URL, or a stream
 * @param target the sealed file, `.wax` by convention
 * @throws WaxsealError as {@link seal}, and `ERR_OUTPUT_EXISTS`, `ERR_INPUT_CHANGED`, `ERR_FILE_NOT_FOUND`,
 * `ERR_NOT_A_FILE`, `ERR_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_IO`; the target is then as it was
 *
 * @example
 * await sealFile('model.onnx', 'model.onnx.wax', keyring.key('default'));
 */
export async function sealFile(
  source: string | URL | ByteStream,
  target: string,
  keys: Keys,
  options: SealFileOptions = {},
): Promise<SealReport> {
  refuseUnknownOptions('sealFile', options, [...SEAL_OPTIONS, 'overwrite']);
  const providers = keyList(keys, 'sealFile');
  const { overwrite = false, ...sealOptions } = options;
  const isStream = isByteStream(source) && !(source instanceof URL);
  if (!isStream && typeof source !== 'string' && !(source instanceof URL)) {
    throw new TypeError('sealFile: the source must be a path, a file URL or a stream');
  }
  const input = isStream ? undefined : await fileSource(source);
  try {
    const size = input?.size ?? sealOptions.size;
    if (sealOptions.size !== undefined && sealOptions.size !== size) {
      throw new WaxsealError(
        'ERR_SIZE_MISMATCH',
        `${input?.name ?? 'the input'} has ${String(size)} bytes, not ${String(sealOptions.size)}`,
      );
    }
    const output = await openAtomicOutput(target, { overwrite });
    try {
      const facts = { path: target, context: sealOptions.context, bytes: size };
      const report = await observed(
        sealOptions.observe,
        'seal',
        facts,
        async () => {
          const object = await newObject(providers, { ...sealOptions, size });
          const written =
            input === undefined
              ? await writeStream(source as ByteStream, object, output, sealOptions, target)
              : await writeSegments(input, object, output, sealOptions, target);
          // Made durable and visible before it is reported as sealed.
          await output.commit();
          const recipients = object.recipients.map(({ uri, version }) => ({ uri, version }));
          return { id: object.id, ...written, recipients };
        },
        (done) => ({ objectId: done.id, bytes: done.size }),
      );
      return report;
    } finally {
      await output.discard();
    }
  } finally {
    await input?.close();
  }
}

type Written = Pick<SealReport, 'size' | 'sealedSize'>;

async function writeStream(
  source: ByteStream,
  object: NewObject,
  output: AtomicOutput,
  options: SealOptions,
  target: string,
): Promise<Written> {
  let sealedSize = 0;
  let size = 0;
  const onProgress: SealOptions['onProgress'] = (progress) => {
    size = progress.doneBytes;
    options.onProgress?.(progress);
  };
  const silent = { done: () => Promise.resolve(), failed: () => Promise.resolve() };
  for await (const chunk of sealedChunks(source, object, { ...options, onProgress }, silent)) {
    await writing(target, writeFully(output.handle, chunk, sealedSize));
    sealedSize += chunk.length;
  }
  return { size, sealedSize };
}

async function writeSegments(
  input: { readonly handle: FileHandle; readonly size: number; readonly name: string },
  object: NewObject,
  output: AtomicOutput,
  { signal, onProgress }: SealOptions,
  target: string,
): Promise<Written> {
  const { state, prefix, segmentLength } = object;
  const { size, name } = input;
  const { plainLength, segments } = shapeOfPlaintext(size, segmentLength);
  const before = await fingerprint(input.handle);
  let pending = writing(target, writeFully(output.handle, prefix, 0));
  let offset = prefix.length;
  let position = 0;
  try {
    const batch = Math.max(1, Math.floor(BATCH_BYTES / plainLength)) * plainLength;
    for await (const chunk of readAhead(input, 0, size, batch)) {
      signal?.throwIfAborted();
      const doneBytes = position * plainLength + chunk.length;
      if (chunk.length < batch && doneBytes < size) throw changed(name);
      const parts: Uint8Array[] = [];
      for (let at = 0; at < chunk.length; at += plainLength) {
        const piece = chunk.subarray(at, at + plainLength);
        const segment = encryptSegmentParts(state, piece, position, position === segments - 1);
        parts.push(segment.prefix, segment.ciphertext, segment.tag);
        position += 1;
      }
      await pending;
      pending = writing(target, writeParts(output.handle, parts, offset));
      offset += parts.reduce((sum, part) => sum + part.length, 0);
      onProgress?.({ doneBytes, totalBytes: size });
    }
    if (size === 0) {
      const { prefix: marker, ciphertext, tag } = encryptSegmentParts(state, new Uint8Array(0), 0, true);
      await pending;
      pending = writing(target, writeParts(output.handle, [marker, ciphertext, tag], offset));
    }
    await pending;
  } catch (error) {
    // Neither discarded nor closed under a write.
    await pending.catch(() => undefined);
    throw error;
  } finally {
    state.close();
  }
  if ((await fingerprint(input.handle)) !== before) throw changed(name);
  return { size, sealedSize: prefix.length + payloadLength(size, segmentLength) };
}

/** A write whose failure names the target and is looked at only when it is awaited. */
function writing(target: string, work: Promise<void>): Promise<void> {
  const named = work.catch((error: unknown) => {
    throw fromSystemError(error, 'write', target);
  });
  named.catch(() => undefined);
  return named;
}

/** What changes when somebody writes a file. */
async function fingerprint(handle: FileHandle): Promise<string> {
  const { size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return `${String(size)} ${String(mtimeNs)} ${String(ctimeNs)}`;
}

function changed(name: string): WaxsealError {
  return new WaxsealError('ERR_INPUT_CHANGED', `${name} changed while it was being sealed`, { object: name });
}
