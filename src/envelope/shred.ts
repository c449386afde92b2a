import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes, toHex } from '../bytes/index.ts';
import { fromSystemError, isWaxsealError, refuseUnknownOptions, systemCode, WaxsealError } from '../errors/index.ts';
import { removeStaleTemporaries, syncFolder } from '../files/index.ts';
import { observed } from '../keys/observer.ts';
import { nextPathOf, payloadPathOf } from './detached.ts';
import { checkExpectations, type Expectations } from './expectations.ts';
import { type Head, isAttached } from './format/head.ts';
import { requirePath } from './path-input.ts';
import { findSecondHeads, readHead } from './read-head.ts';
import { IN_PLACE_OPTIONS, type InPlaceOptions } from './rewrap/change-object.ts';
import { type ObjectFile, openObjectFile, settle, withObjectFile, writeRegion } from './rewrap/object-file.ts';
import { objectFacts } from './unwrap-entry.ts';

/** Options of {@link shred}. */
export interface ShredOptions extends InPlaceOptions, Pick<Expectations, 'expectId' | 'expectContext'> {
  /** Then delete the file too; of a detached object header and payload. */
  readonly delete?: boolean | undefined;
  /** The payload of a detached object, where it does not lie beside its header; only for `delete`. */
  readonly payload?: string | undefined;
}

/** What was destroyed (in a dry run: would be). */
export interface ShredReport {
  /** 32 hexadecimal digits, as the head says: nothing was authenticated. */
  readonly id: string;
  /** What was overwritten, in each file. */
  readonly erased: readonly {
    /** The file. */
    readonly path: string;
    /** Which of its copies of the recipient list. */
    readonly part: 'slot A' | 'slot B' | 'recipients';
  }[];
  /** Files that were deleted. */
  readonly deleted: readonly string[];
}

/**
 * Destroys every wrap of the data key in a sealed file, in place: nobody opens this file again, whatever keys they hold.
 * No key is needed for it. When it returns, the wraps are overwritten on disk and have been read back; kill it before,
 * and run it again.
 *
 * It reaches this file and nothing else: copies, backups, snapshots, older versions in a store, and what a flash disk
 * keeps of old states still open, until the version of the master key that wrapped them is destroyed.
 *
 * @param file path or file URL of the sealed file, or the header of a detached object
 * @throws WaxsealError `ERR_HEADER_DAMAGED` and the like when nothing says where the wraps are (delete the file then),
 * `ERR_UNEXPECTED_OBJECT`, `ERR_BUSY`, `ERR_NOT_WRITABLE`, `ERR_IO`, `ERR_VETOED`
 * @see SPEC.md "Shred"
 *
 * @example
 * await shred('model.onnx.wax', { expectId: '2ce9059dc7077f0ea7e8234d8ac120d6', delete: true });
 */
export async function shred(file: string | URL, options: ShredOptions = {}): Promise<ShredReport> {
  refuseUnknownOptions('shred', options, [...IN_PLACE_OPTIONS, 'expectId', 'expectContext', 'delete', 'payload']);
  const path = requirePath('shred', file);
  return withObjectFile(path, options, async (opened) => {
    const heads = await allHeads(opened);
    const [head] = heads;
    if (head === undefined) throw new WaxsealError('ERR_INTERNAL', `${path} has no head`);
    checkExpectations(head, options, path);
    const work = (): Promise<ShredReport> => destroy(opened, heads, options);
    return observed(options.observe, 'shred', { path, ...objectFacts(head) }, work);
  });
}

/** Every valid head of the file: a forged one must not lead away from the slots that another one knows. */
async function allHeads(file: ObjectFile): Promise<Head[]> {
  const { head } = await readHead(file);
  const others = (await findSecondHeads(file)).filter(({ bytes }) => !equalBytes(bytes, head.bytes));
  return [head, ...others];
}

interface Region {
  readonly part: ShredReport['erased'][number]['part'];
  readonly offset: number;
  readonly length: number;
}

function regionsOf(head: Head): Region[] {
  if (isAttached(head)) {
    const { slotA, slotB, slotSize: length } = head.geometry;
    return [
      { part: 'slot A', offset: slotA, length },
      { part: 'slot B', offset: slotB, length },
    ];
  }
  return [{ part: 'recipients', offset: head.geometry.block, length: head.geometry.blockLength }];
}

async function destroy(file: ObjectFile, heads: readonly Head[], options: ShredOptions): Promise<ShredReport> {
  const dryRun = options.dryRun === true;
  const [first] = heads;
  const detached = first?.geometry.layout === 'detached';
  const deleted: string[] = [];
  const erased: { path: string; part: Region['part'] }[] = [];
  const erase = async (target: ObjectFile, regions: readonly Region[]): Promise<void> => {
    for (const { part, offset, length } of regions) {
      if (!dryRun) await writeRegion(target, new Uint8Array(Math.min(length, target.size - offset)), offset);
      erased.push({ path: target.name, part });
    }
  };
  if (!dryRun) {
    await settle(file);
    // What a writer that died left beside the file may hold a wrap, too.
    await removeStaleTemporaries(dirname(file.realPath));
  }
  // First what a reader looks at last: a kill in between leaves less, never more, than there was.
  const next = detached ? await openNext(file, options) : undefined;
  try {
    if (next !== undefined) {
      await erase(next, regionsOf((await readHead(next)).head));
      deleted.push(next.realPath);
    }
  } finally {
    await next?.close();
  }
  await erase(file, heads.flatMap(regionsOf));
  if (options.delete === true) {
    if (detached) deleted.push(options.payload ?? payloadPathOf(file.realPath));
    deleted.push(file.realPath);
  }
  if (!dryRun) for (const path of deleted) await remove(path);
  return { id: toHex(first?.core.id ?? new Uint8Array(0)), erased, deleted };
}

/** The header that an interrupted reseal left. */
async function openNext(file: ObjectFile, options: ShredOptions): Promise<ObjectFile | undefined> {
  try {
    return await openObjectFile(nextPathOf(file.realPath), options.allowNetworkFileSystem === true);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
    await syncFolder(dirname(path));
  } catch (error) {
    // A run that was killed may have deleted it.
    if (systemCode(error) !== 'ENOENT') throw fromSystemError(error, 'delete', path);
  }
}
