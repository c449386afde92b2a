import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes, toHex } from '../../bytes/index.ts';
import { fromSystemError, WaxsealError } from '../../errors/index.ts';
import { type AtomicOutput, withFolderLock } from '../../files/index.ts';
import { observed } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { payloadPathOf } from '../detached.ts';
import { BATCH_BYTES, readAhead } from '../file-reading.ts';
import { load } from '../load.ts';
import { type LoadedObject, loadObject } from '../load-object.ts';
import type { NewObject } from '../new-object.ts';
import { OpenedObject } from '../opened-object.ts';
import { type Outputs, openOutputs } from '../outputs.ts';
import { openSegment } from '../payload.ts';
import { withObjectFile } from '../rewrap/object-file.ts';
import { settleReseal } from '../settle-reseal.ts';
import { fileSource } from '../source.ts';
import { writeStream } from '../write-payload.ts';
import { newLike, type OpenedForReseal, openForReseal, resealFacts } from './open-for-reseal.ts';
import type { ResealOptions, ResealReport } from './options.ts';

/** Replaces a file, or the two of a detached object, by a new object of the same plaintext (SPEC section "Reseal"). */
export async function resealFile(
  path: string,
  keys: readonly KeyProvider[],
  options: ResealOptions,
): Promise<ResealReport> {
  const work = async (): Promise<{ report: ResealReport; opened: OpenedForReseal }> => {
    const given = options.payload === undefined ? undefined : await real(options.payload);
    // Writable, on a local file system, and with no earlier reseal under way.
    const realPath = await withObjectFile(path, options, async (file) => {
      if (options.dryRun !== true) await settleReseal(file.realPath, given ?? payloadPathOf(file.realPath));
      return file.realPath;
    });
    const source = given === undefined ? realPath : { header: realPath, payload: given };
    const loaded = await loadObject(source, options.observe);
    try {
      const opened = await openForReseal(loaded, keys, options, path);
      const old = await OpenedObject.start(loaded, opened.unlocked);
      try {
        if (options.dryRun === true) return { report: reportOf(opened, undefined, old.size), opened };
        const detached = loaded.head.geometry.layout === 'detached';
        const payload = detached ? (given ?? payloadPathOf(realPath)) : undefined;
        const id = await replace(realPath, payload, loaded, opened, old, options);
        return { report: reportOf(opened, id, old.size), opened };
      } finally {
        await old.close();
      }
    } finally {
      await loaded.close();
    }
  };
  const facts = { path };
  return (await observed(options.observe, 'reseal', facts, work, ({ opened }) => resealFacts(opened))).report;
}

async function replace(
  path: string,
  payload: string | undefined,
  loaded: LoadedObject,
  opened: OpenedForReseal,
  old: OpenedObject,
  options: ResealOptions,
): Promise<string> {
  const { signal, onProgress, lockTimeoutMs: timeoutMs } = options;
  const { size } = old;
  const outputs = await openOutputs(path, payload, { overwrite: true, locked: true });
  try {
    await keepPermissions(outputs, path, payload);
    const made = await newLike(opened, size, options, true);
    try {
      await writeStream(old.stream(0, size, { signal }), made, outputs.body, { size, signal, onProgress }, path);
      await readBack(outputs.body, made, size, path, signal);
    } finally {
      made.state.close();
      made.proof?.close();
    }
    await withFolderLock(dirname(path), { timeoutMs, signal }, async () => {
      await assertUnchanged(path, payload, loaded);
      await outputs.commit(made.header);
    });
    return made.id;
  } finally {
    await outputs.discard();
  }
}

/** Every segment of the new file is authenticated before it takes the place of the only other copy. */
async function readBack(
  { handle }: AtomicOutput,
  { proof, prefix, segmentLength }: NewObject,
  size: number,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (proof === undefined) throw new WaxsealError('ERR_INTERNAL', 'nothing to read the new object back with');
  try {
    await handle.sync();
  } catch (error) {
    throw fromSystemError(error, 'write', path);
  }
  const { size: written } = await handle.stat();
  const batch = Math.max(1, Math.floor(BATCH_BYTES / segmentLength)) * segmentLength;
  let position = 0;
  let done = prefix.length;
  let left = size;
  for await (const chunk of readAhead({ handle, name: path }, prefix.length, written, batch)) {
    signal?.throwIfAborted();
    for (let at = 0; at < chunk.length; at += segmentLength) {
      const segment = chunk.subarray(at, at + segmentLength);
      done += segment.length;
      const plaintext = openSegment(proof, segment, position, done === written, `the new ${path}`);
      position += 1;
      left -= plaintext.length;
      plaintext.fill(0);
    }
  }
  if (left !== 0) throw new WaxsealError('ERR_INTERNAL', `the new ${path} has another size than the old one`);
}

/** A rewrap in between may have taken a recipient away, and somebody may have put another object there. */
async function assertUnchanged(path: string, payload: string | undefined, loaded: LoadedObject): Promise<void> {
  const now = await fileSource(path);
  try {
    const { head, lists } = await load(now, undefined);
    const none = new Uint8Array(0);
    const same =
      equalBytes(head.bytes, loaded.head.bytes) &&
      lists.every((list, index) => equalBytes(list.bytes, loaded.lists[index]?.bytes ?? none));
    if (same && (payload === undefined || (await isSameFile(payload, loaded)))) return;
  } finally {
    await now.close();
  }
  throw new WaxsealError('ERR_INPUT_CHANGED', `${path} changed while it was being resealed`, {
    object: path,
    next: 'run the command again: what is there now was left as it is',
  });
}

async function isSameFile(payload: string, { payload: { handle } }: LoadedObject): Promise<boolean> {
  const now = await stat(payload, { bigint: true }).catch(() => undefined);
  const opened = await handle?.stat({ bigint: true });
  return now !== undefined && now.ino === opened?.ino && now.dev === opened.dev;
}

async function keepPermissions(outputs: Outputs, path: string, payload: string | undefined): Promise<void> {
  const pairs: readonly (readonly [AtomicOutput | undefined, string])[] = [
    [outputs.body, payload ?? path],
    [outputs.header, path],
  ];
  for (const [output, from] of pairs) {
    const { mode, uid, gid } = await stat(from);
    await output?.handle.chmod(mode & 0o777).catch(() => undefined);
    await output?.handle.chown(uid, gid).catch(() => undefined);
  }
}

function reportOf({ unlocked, targets }: OpenedForReseal, id: string | undefined, size: number): ResealReport {
  const recipients = targets.keys.map(({ uri }) => uri);
  return { id, previousId: toHex(unlocked.head.core.id), size, recipients, dropped: targets.dropped };
}

async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw fromSystemError(error, 'open', path, true);
  }
}
