import { rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { unlockSlots } from '../choose-slot.ts';
import { belongsTo, nextPathOf, openPayload } from '../detached.ts';
import { type BlockHead, decodeHead, encodeBlockHead, type Head, isAttached } from '../format/head.ts';
import { FLOE_HEADER_LENGTH } from '../format/limits.ts';
import { load, type Loaded } from '../load.ts';
import { payloadLengthOf } from '../payload.ts';
import type { ObjectFile } from '../rewrap/object-file.ts';
import { replaceHead } from '../rewrap/replace-whole.ts';
import { openSource, type OpenSource } from '../source.ts';
import { type Donor, proveAndForget } from './donor.ts';
import type { RepairOptions, RepairReport } from './options.ts';

/** Restores a compact object or a detached header by replacing the file (SPEC section "Repair"). */
export async function repairBlock(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  donor: Donor | undefined,
  options: RepairOptions,
): Promise<RepairReport> {
  const own = await tryLoad(file);
  if (own instanceof WaxsealError && donor === undefined) throw own;
  const ended = own instanceof WaxsealError ? undefined : await endReseal(file, own, keys, options);
  if (ended !== undefined) return ended;
  if (!(own instanceof WaxsealError)) {
    donor?.assertSameObject([own.head], file.name);
    try {
      const unlocked = await unlockSlots(own.head, own.lists, keys, { ...options, name: file.name });
      zero(unlocked.dataKey);
      return { id: toHex(own.head.core.id), repaired: [] };
    } catch (error) {
      if (!isWaxsealError(error) || donor === undefined) throw error;
    }
  }
  if (donor === undefined) throw new WaxsealError('ERR_INTERNAL', `nothing to repair ${file.name} from`);
  return fromDonor(file, own instanceof WaxsealError ? undefined : own.head, keys, donor, options);
}

async function tryLoad(file: ObjectFile): Promise<Loaded | WaxsealError> {
  try {
    return await load(file, undefined);
  } catch (error) {
    if (isWaxsealError(error)) return error;
    throw error;
  }
}

/** Completes an interrupted reseal of a detached object, or removes what it left: the payload tells which. */
async function endReseal(
  file: ObjectFile,
  own: Loaded,
  keys: readonly KeyProvider[],
  options: RepairOptions,
): Promise<RepairReport | undefined> {
  if (own.head.geometry.layout !== 'detached') return undefined;
  const nextPath = nextPathOf(file.realPath);
  let next: OpenSource;
  try {
    next = await openSource(nextPath);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) return undefined;
    throw error;
  }
  let payload: OpenSource | undefined;
  try {
    payload = await openPayload(file.realPath, options.payload);
    if (await belongsTo(own.head, payload)) {
      if (options.dryRun !== true) await unlink(nextPath);
      return { id: toHex(own.head.core.id), repaired: ['interrupted reseal'] };
    }
    const { head, lists } = await load(next, options.observe);
    if (!(await belongsTo(head, payload))) return undefined;
    const unlocked = await unlockSlots(head, lists, keys, { ...options, name: nextPath });
    await proveAndForget(payload, head.geometry.segments, head, unlocked, true);
    if (options.dryRun !== true) {
      await rename(nextPath, file.realPath);
      await syncFolder(dirname(file.realPath));
    }
    return { id: toHex(head.core.id), repaired: ['interrupted reseal'] };
  } finally {
    await next.close();
    await payload?.close();
  }
}

/** Head and recipients of another copy, once they have opened the payload of this one. */
async function fromDonor(
  file: ObjectFile,
  own: Head | undefined,
  keys: readonly KeyProvider[],
  donor: Donor,
  options: RepairOptions,
): Promise<RepairReport> {
  const layout = own?.geometry.layout ?? (await lostLayout(file, donor, options));
  if (layout === 'attached') throw new WaxsealError('ERR_INTERNAL', `${file.name} has slots`);
  const unlocked = await unlockSlots(donor.head, donor.lists, keys, { ...options, name: file.name });
  const { list } = unlocked.slot;
  const detached = layout === 'detached';
  const payload = detached ? await openPayload(file.realPath, options.payload) : file;
  const segmentsAt = own?.geometry.segments ?? segmentsOf(donor.head, file, detached);
  try {
    await proveAndForget(payload, segmentsAt, donor.head, unlocked, true);
  } finally {
    zero(unlocked.dataKey);
    if (detached) await payload.close();
  }
  if (options.dryRun !== true) {
    const head = decodeHead(encodeBlockHead(donor.head, layout, list, file.name), file.name);
    await replaceHead(file, asBlock(head), segmentsAt, list, options);
  }
  return { id: toHex(donor.head.core.id), repaired: ['header'] };
}

/** A header whose payload lies beside it was detached; anything else that had no slots was compact. */
async function lostLayout(file: ObjectFile, { head }: Donor, options: RepairOptions): Promise<'compact' | 'detached'> {
  let payload: OpenSource;
  try {
    payload = await openPayload(file.realPath, options.payload);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_PAYLOAD_NOT_FOUND')) return 'compact';
    throw error;
  }
  try {
    return (await belongsTo(head, payload)) ? 'detached' : 'compact';
  } finally {
    await payload.close();
  }
}

/** Where the segments of a compact object begin whose head is gone: its size says how long they are. */
function segmentsOf(head: Head, file: ObjectFile, detached: boolean): number {
  if (detached) return FLOE_HEADER_LENGTH;
  const length = payloadLengthOf(head);
  if (length === undefined || length > file.size) {
    throw new WaxsealError('ERR_HEADER_DAMAGED', `nothing says where the payload of ${file.name} begins`, {
      object: file.name,
    });
  }
  return file.size - length;
}

function asBlock(head: Head): BlockHead {
  if (isAttached(head)) throw new WaxsealError('ERR_INTERNAL', 'a block head was expected');
  return head;
}
