import type { FileHandle } from 'node:fs/promises';
import { encryptSegmentParts } from '../crypto/floe/segments.ts';
import { fromSystemError, WaxsealError } from '../errors/index.ts';
import { type AtomicOutput, writeFully, writeParts } from '../files/index.ts';
import { BATCH_BYTES, readAhead } from './file-reading.ts';
import type { Chunks } from './intake.ts';
import type { NewObject } from './new-object.ts';
import { payloadLength, shapeOfPlaintext } from './payload.ts';
import { sealedChunks, type SealOptions } from './seal.ts';

/** What was written, in bytes: plaintext, and everything in this file. */
export interface Written {
  readonly size: number;
  readonly sealedSize: number;
}

/** Seals a stream into a file that has been begun. `target` is how errors name it. */
export async function writeStream(
  source: Chunks,
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

/** Seals a file into a file that has been begun; a source that changes meanwhile is refused. */
export async function writeSegments(
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
