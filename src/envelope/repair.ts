import { dirname } from 'node:path';
import { equalBytes, toHex } from '../bytes/index.ts';
import { zero } from '../crypto/secrets.ts';
import { isWaxsealError, refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { withFolderLock } from '../files/index.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { bothDamaged, isSteady, slotsByPreference, type UnlockedSlot, unlockSlots } from './choose-slot.ts';
import { decodeHead, type Head } from './format/head.ts';
import { encodeRecipients } from './format/recipients.ts';
import { encodeSlot, hasCleanPadding } from './format/slot.ts';
import { keyList, type Keys } from './keys-input.ts';
import { load } from './load.ts';
import { findSecondHead, readHead, readSlots, type SlotPair } from './read-head.ts';
import { assertStillThere, type ObjectFile, openObjectFile, settle, writeRegion } from './rewrap/object-file.ts';
import { nextGeneration } from './rewrap/update-slots.ts';
import type { InPlaceOptions } from './rewrap/rewrap.ts';
import { openSegment, shapeOfObject } from './payload.ts';
import { openSource, type SealedSource } from './source.ts';
import { startPayload } from './unlock.ts';

/** Options of {@link repair}. */
export interface RepairOptions extends InPlaceOptions {
  /** Another copy of the same object (an old backup will do) to take a head or recipients from. */
  readonly from?: SealedSource | undefined;
}

export interface RepairReport {
  readonly id: string;
  /** What was (in a dry run: would be) rewritten, in this order; empty when nothing was wrong. */
  readonly repaired: readonly ('slot A' | 'slot B' | 'second head' | 'first head')[];
}

/**
 * Restores damaged heads and slots of a sealed file from what survived in it, or from another copy. Nothing is written
 * before the surviving parts were proven: they must give the data key that the payload commits to.
 *
 * @throws WaxsealError `ERR_HEADER_DAMAGED` when too little survived, `ERR_UNEXPECTED_OBJECT` when `from` is another
 * object, and what opening and writing can fail with
 */
export async function repair(path: string, keys: Keys, options: RepairOptions = {}): Promise<RepairReport> {
  refuseUnknownOptions('repair', options, [
    'observe',
    'signal',
    'dryRun',
    'lockTimeoutMs',
    'allowNetworkFileSystem',
    'from',
  ]);
  const providers = keyList(keys, 'repair');
  const file = await openObjectFile(path, options.allowNetworkFileSystem === true);
  try {
    const run = (): Promise<RepairReport> => repairLocked(file, providers, options);
    if (options.dryRun === true) return await run();
    const { lockTimeoutMs: timeoutMs, signal } = options;
    return await withFolderLock(dirname(file.realPath), { timeoutMs, signal }, run);
  } finally {
    await file.close();
  }
}

async function repairLocked(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  options: RepairOptions,
): Promise<RepairReport> {
  const { head, slots, list } = await survivors(file, keys, options);
  const { slotA, slotB, slotSize, head1 } = head.geometry;
  const writes: { part: RepairReport['repaired'][number]; bytes: Uint8Array; offset: number }[] = [];
  if (
    !isSteady(slots) ||
    !slots.every(hasCleanPadding) ||
    !slots.some(({ slot }) => slot && equalBytes(slot.list, list))
  ) {
    const generation = nextGeneration(slots);
    const slot = (index: 0 | 1): (typeof writes)[number] => ({
      part: index === 0 ? 'slot A' : 'slot B',
      bytes: encodeSlot(index, generation, list, slotSize, head.bind, file.name),
      offset: index === 0 ? slotA : slotB,
    });
    // The slot that holds the proven list is written last: until then it stays as it is.
    const keep = slotsByPreference(slots).find((candidate) => equalBytes(candidate.list, list))?.index ?? 1;
    writes.push(slot(keep === 0 ? 1 : 0), slot(keep));
  }
  const proven = cleaned(head);
  if (!equalBytes(await file.read(head1, proven.length), proven)) {
    writes.push({ part: 'second head', bytes: proven, offset: head1 });
  }
  if (!equalBytes(await file.read(0, proven.length), proven)) {
    writes.push({ part: 'first head', bytes: proven, offset: 0 });
  }
  if (options.dryRun !== true) {
    if (writes.length > 0) await settle(file);
    for (const { bytes, offset } of writes) await writeRegion(file, bytes, offset);
    await assertStillThere(file);
  }
  return { id: toHex(head.core.id), repaired: writes.map(({ part }) => part) };
}

interface Survivors {
  readonly head: Head;
  /** The slots of the file itself. */
  readonly slots: SlotPair;
  /** A recipient list that gives the data key. */
  readonly list: Uint8Array;
}

/** Every pair of a head and a recipient list that can still be read, until one proves itself. */
async function survivors(file: ObjectFile, keys: readonly KeyProvider[], options: RepairOptions): Promise<Survivors> {
  const donor = options.from === undefined ? undefined : await openSource(options.from);
  try {
    const copy = donor === undefined ? undefined : await load(donor, undefined);
    let heads = await readableHeads(file);
    if (copy !== undefined) {
      if (heads.length > 0 && !heads.some((head) => equalBytes(head.bind, copy.head.bind))) {
        throw new WaxsealError(
          'ERR_UNEXPECTED_OBJECT',
          `${donor?.name ?? 'the copy'} is another object than ${file.name}`,
          {
            object: file.name,
            next: 'name a copy or an older backup of the same object',
          },
        );
      }
      heads = [...heads, copy.head];
    }
    let failure: unknown;
    for (const head of heads) {
      const own = await readSlots(file, head);
      for (const slots of copy === undefined ? [own] : [own, copy.slots]) {
        try {
          const unlocked = await unlockSlots(head, slots, keys, { ...options, name: file.name });
          await proveAndForget(file, head, unlocked, head === copy?.head);
          return { head, slots: own, list: encodeRecipients(unlocked.slot.recipients) };
        } catch (error) {
          if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
          failure ??= error;
        }
      }
      failure ??= bothDamaged(own, file.name);
    }
    throw failure ?? (await headFailure(file));
  } finally {
    await donor?.close();
  }
}

/**
 * The header tag proves that head and data key belong together. A head that came from another copy could stand before
 * any payload: there the first segment must open too.
 */
async function proveAndForget(file: ObjectFile, head: Head, unlocked: UnlockedSlot, isForeign: boolean): Promise<void> {
  if (!isForeign) {
    zero(unlocked.dataKey);
    return;
  }
  const state = startPayload(head, unlocked.dataKey);
  zero(unlocked.dataKey);
  try {
    const { segments, segmentLength, finalLength } = shapeOfObject(head, file.size, file.name);
    const length = segments === 1 ? finalLength : segmentLength;
    openSegment(state, await file.read(head.geometry.segments, length), 0, segments === 1, file.name);
  } finally {
    state.close();
  }
}

/** The heads of the file whose hashes match, the first one first; one of two equal ones. */
async function readableHeads(file: ObjectFile): Promise<Head[]> {
  const heads: Head[] = [];
  try {
    heads.push((await readHead(file)).head);
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
  }
  const second = await findSecondHead(file);
  if (second !== undefined && !heads.some((head) => equalBytes(head.bytes, second.bytes))) heads.push(second);
  return heads;
}

async function headFailure(file: ObjectFile): Promise<unknown> {
  return readHead(file).then(
    () => new WaxsealError('ERR_INTERNAL', `${file.name} has a head after all`),
    (error: unknown) => error,
  );
}

/** The head as its writer left it: with zero padding. */
function cleaned(head: Head): Uint8Array {
  if (head.cleanPadding) return head.bytes;
  const bytes = head.bytes.slice();
  const used = 64 + head.prelude.coreLength + head.prelude.metaLength;
  bytes.fill(0, used, bytes.length - head.floeHeader.length);
  return decodeHead(bytes, 'the repaired head').bytes;
}
