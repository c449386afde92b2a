import { stat } from 'node:fs/promises';
import { equalBytes } from '../../bytes/index.ts';
import { fromSystemError, WaxsealError } from '../../errors/index.ts';
import { type AtomicOutput, openAtomicOutput, readFully, writeFully } from '../../files/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { BATCH_BYTES, readAhead } from '../file-reading.ts';
import { type BlockHead, isAttached } from '../format/head.ts';
import { encodePrefix } from '../format/prefix.ts';
import type { Loaded } from '../load.ts';
import type { ListChange, UpdateOptions, UpdateResult } from './change.ts';
import { assertStillThere, type ObjectFile } from './object-file.ts';

/**
 * Changes the recipients of a compact object or a detached header: a complete new file takes the place of the old one
 * (SPEC section "Replacing"). The payload of a detached object is not looked at; that of a compact one is copied.
 *
 * @throws WaxsealError `ERR_SLOT_FULL`, `ERR_INPUT_CHANGED`, `ERR_DISK_FULL`, `ERR_IO` and what opening can fail with;
 * the file is then as it was
 */
export async function replaceWhole(
  file: ObjectFile,
  loaded: Loaded,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: UpdateOptions,
): Promise<UpdateResult> {
  const { head } = loaded;
  if (isAttached(head)) throw new WaxsealError('ERR_INTERNAL', `${file.name} has slots`);
  const { current, after, list } = await change(loaded, keys, options, file.name);
  const changed = !equalBytes(current.list, list);
  const result = { head, before: current.recipients, after, changed, generation: undefined };
  if (!changed || options.dryRun === true) return { ...result, bytesWritten: 0 };
  return { ...result, bytesWritten: await replaceHead(file, head, head.geometry.segments, list, options) };
}

/**
 * Replaces the file by one with this head and recipient list; a compact payload is copied from `segmentsAt` on.
 *
 * @returns bytes written
 */
export async function replaceHead(
  file: ObjectFile,
  head: BlockHead,
  segmentsAt: number,
  list: Uint8Array,
  { signal }: Pick<UpdateOptions, 'signal'>,
): Promise<number> {
  const prefix = encodePrefix(head, list, { layout: head.geometry.layout }, file.name);
  const output = await replacementOf(file);
  try {
    await writing(file, writeFully(output.handle, prefix, 0));
    const length = prefix.length + (await copyPayload(file, head, segmentsAt, output, prefix.length, signal));
    await commitReplacement(file, output, prefix);
    return length;
  } finally {
    await output.discard();
  }
}

/** A new file beside the old one, with its permissions. */
export async function replacementOf(file: ObjectFile): Promise<AtomicOutput> {
  const { mode, uid, gid } = await file.handle.stat();
  const output = await openAtomicOutput(file.realPath, { overwrite: true, mode: mode & 0o777 });
  // The umask took bits away; another owner is kept where the system lets us.
  await output.handle.chmod(mode & 0o777).catch(() => undefined);
  await output.handle.chown(uid, gid).catch(() => undefined);
  return output;
}

/**
 * Gives the new file the name, after it was made durable and its beginning was read back, and only if the name is still
 * that of the file that was read.
 *
 * @throws WaxsealError `ERR_INPUT_CHANGED`, `ERR_IO`
 */
async function commitReplacement(file: ObjectFile, output: AtomicOutput, prefix: Uint8Array): Promise<void> {
  await writing(file, output.handle.sync());
  const back = await readFully(output.handle, new Uint8Array(prefix.length), 0);
  if (!equalBytes(back, prefix)) {
    throw new WaxsealError('ERR_IO', `the new state of ${file.name} did not read back as written`, {
      object: file.name,
      next: 'the old state is in place; check the disk',
    });
  }
  await assertStillThere(file);
  await output.commit();
}

async function copyPayload(
  file: ObjectFile,
  head: BlockHead,
  segmentsAt: number,
  output: AtomicOutput,
  to: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (head.geometry.layout === 'detached') return 0;
  let done = 0;
  for await (const chunk of readAhead(file, segmentsAt, file.size, BATCH_BYTES)) {
    signal?.throwIfAborted();
    await writing(file, writeFully(output.handle, chunk, to + done));
    done += chunk.length;
  }
  const { size } = await stat(file.realPath);
  if (segmentsAt + done !== size) {
    throw new WaxsealError('ERR_INPUT_CHANGED', `${file.name} changed while it was being rewritten`, {
      object: file.name,
    });
  }
  return done;
}

async function writing(file: ObjectFile, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw fromSystemError(error, 'write', file.name);
  }
}
