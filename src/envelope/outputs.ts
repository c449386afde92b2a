import { access, rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fromSystemError } from '../errors/index.ts';
import {
  type AtomicOptions,
  type AtomicOutput,
  openAtomicOutput,
  syncFolder,
  withFolderLock,
  writeFully,
} from '../files/index.ts';
import { nextPathOf } from './detached.ts';
import { settleReseal } from './settle-reseal.ts';

/** The file or files of an object that is being written; none is visible before `commit`. */
export interface Outputs {
  /** Gets the segments: the object itself, or the payload of a detached one. */
  readonly body: AtomicOutput;
  readonly bodyPath: string;
  /** Gets the header of a detached object. */
  readonly header: AtomicOutput | undefined;
  /** Path of the payload of a detached object. */
  readonly payload: string | undefined;
  /** Makes everything durable and visible. `header` is that of a detached object. */
  commit(header: Uint8Array | undefined): Promise<void>;
  discard(): Promise<void>;
}

/** How the outputs are made visible. */
export interface OutputOptions extends AtomicOptions {
  /** Whether the caller holds the lock of the folder when it commits. */
  readonly locked?: boolean | undefined;
}

/**
 * Begins the file of an object, or the two of a detached one.
 *
 * @throws WaxsealError `ERR_OUTPUT_EXISTS` for either of them, `ERR_NOT_WRITABLE`, `ERR_FILE_NOT_FOUND` (the folder)
 */
export async function openOutputs(
  target: string,
  payload: string | undefined,
  options: OutputOptions,
): Promise<Outputs> {
  if (payload === undefined) {
    const body = await openAtomicOutput(target, options);
    return {
      body,
      bodyPath: target,
      header: undefined,
      payload: undefined,
      commit: () => body.commit(),
      discard: () => body.discard(),
    };
  }
  if (resolve(payload) === resolve(target)) throw new TypeError('header and payload cannot be one file');
  const header = await openAtomicOutput(target, options);
  let body: AtomicOutput;
  try {
    body = await openAtomicOutput(payload, options);
  } catch (error) {
    await header.discard();
    throw error;
  }
  return {
    body,
    bodyPath: payload,
    header,
    payload,
    async commit(bytes = new Uint8Array(0)) {
      await writeWhole(header, bytes, target);
      if (!options.overwrite) return createPair(payload, header, body);
      const replace = (): Promise<void> => replacePair(target, payload, header, body);
      // Two that replace one pair at once would leave a header of the one with the payload of the other.
      return options.locked === true ? replace() : withFolderLock(dirname(resolve(target)), {}, replace);
    },
    async discard() {
      await header.discard();
      await body.discard();
    },
  };
}

async function writeWhole(output: AtomicOutput, bytes: Uint8Array, target: string): Promise<void> {
  try {
    await writeFully(output.handle, bytes, 0);
  } catch (error) {
    throw fromSystemError(error, 'write', target);
  }
}

/** Payload first: a header never stands there without its payload. */
async function createPair(payload: string, header: AtomicOutput, body: AtomicOutput): Promise<void> {
  await body.commit();
  try {
    await header.commit();
  } catch (error) {
    // Ours: it was created a moment ago under a name that nothing had. It stays if the header got its name after all.
    const hasName = await access(header.temporaryPath).then(
      () => false,
      () => true,
    );
    if (!hasName) await unlink(payload).catch(() => undefined);
    throw error;
  }
}

/**
 * Replaces both, so that at every moment the old or the new pair opens (SPEC section "Reseal"): the new header first
 * lies beside the old one, where a reader looks that finds a payload which the old one does not fit.
 */
async function replacePair(target: string, payload: string, header: AtomicOutput, body: AtomicOutput): Promise<void> {
  const path = resolve(target);
  const next = nextPathOf(path);
  // The header that an earlier one left may be the only one that fits the payload: not to be overwritten.
  await settleReseal(path, payload);
  try {
    await header.handle.sync();
    await rename(header.temporaryPath, next);
    await syncFolder(dirname(path));
    await body.commit();
    await rename(next, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw fromSystemError(error, 'write', target);
  }
}
