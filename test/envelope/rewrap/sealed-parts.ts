import { type FileHandle, open } from 'node:fs/promises';
import { encodeCbor } from '../../../src/bytes/index.ts';
import type { AttachedHead } from '../../../src/envelope/format/head.ts';
import { decodeRecipients, type Recipient } from '../../../src/envelope/format/recipients.ts';
import { encodeSlot, readSlot, type Slot, type SlotIndex } from '../../../src/envelope/format/slot.ts';
import { attachedHead } from '../../support/heads.ts';

export function headOf(sealed: Uint8Array): AttachedHead {
  return attachedHead(sealed);
}

/** Where a slot begins and ends. */
export function slotRange(head: AttachedHead, index: SlotIndex): readonly [number, number] {
  const { slotA, slotB, slotSize } = head.geometry;
  const start = index === 0 ? slotA : slotB;
  return [start, start + slotSize];
}

export function slotBytes(sealed: Uint8Array, index: SlotIndex, head = headOf(sealed)): Uint8Array {
  return sealed.slice(...slotRange(head, index));
}

/** A slot that must be valid. */
export function slotOf(sealed: Uint8Array, index: SlotIndex): Slot {
  const head = headOf(sealed);
  const { slot } = readSlot(slotBytes(sealed, index), index, head.geometry.slotSize, head.bind, 'x');
  if (slot === undefined) throw new Error(`slot ${String(index)} is not valid`);
  return slot;
}

/** A copy with another slot in it: a whole one of a generation and a list, or any bytes. */
export function withSlot(
  sealed: Uint8Array,
  index: SlotIndex,
  slot: Uint8Array | { readonly generation: number; readonly list: Uint8Array },
): Uint8Array {
  const head = headOf(sealed);
  const bytes =
    slot instanceof Uint8Array
      ? slot
      : encodeSlot(index, slot.generation, slot.list, head.geometry.slotSize, head.bind, 'x');
  const out = sealed.slice();
  out.set(bytes, slotRange(head, index)[0]);
  return out;
}

/** A copy with one list in both slots, as whoever can write the object can make it. */
export function withList(sealed: Uint8Array, list: Uint8Array, generation = slotOf(sealed, 0).generation): Uint8Array {
  return withSlot(withSlot(sealed, 0, { generation, list }), 1, { generation, list });
}

export function recipientsOf(sealed: Uint8Array): readonly Recipient[] {
  return decodeRecipients(slotOf(sealed, 0).list, 'x');
}

/** The bytes of each entry. */
export function entriesOf(sealed: Uint8Array): Uint8Array[] {
  return recipientsOf(sealed).map(({ fields }) => encodeCbor(fields));
}

type Call = 'write' | 'datasync';

/** What happens instead of the nth (from 1) write or fdatasync of this process; `run` is the call itself. */
export type Interception = (call: Call, nth: number, run: (length?: number) => Promise<unknown>) => Promise<unknown>;

export interface RecordedWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Runs `work` while every write and fdatasync of a FileHandle goes through `intercept`. */
export async function intercepted<T>(
  path: string,
  intercept: Interception,
  work: () => Promise<T>,
): Promise<{ result: T; calls: (RecordedWrite | 'datasync')[] }> {
  const probe = await open(path, 'r');
  const prototype = Object.getPrototypeOf(probe) as Record<Call, (...args: unknown[]) => Promise<unknown>>;
  await probe.close();
  const { write, datasync } = prototype;
  const calls: (RecordedWrite | 'datasync')[] = [];
  const count = { write: 0, datasync: 0 };
  prototype.write = function (this: FileHandle, ...args) {
    const [buffer, from, length, offset] = args as [Uint8Array, number, number, number];
    calls.push({ offset, bytes: buffer.slice(from, from + length) });
    count.write += 1;
    return intercept('write', count.write, (cut = length) => write.call(this, buffer, from, cut, offset));
  };
  prototype.datasync = function (this: FileHandle) {
    calls.push('datasync');
    count.datasync += 1;
    return intercept('datasync', count.datasync, () => datasync.call(this));
  };
  try {
    return { result: await work(), calls };
  } finally {
    Object.assign(prototype, { write, datasync });
  }
}

/** As the kernel reports it through Node. */
export function systemError(code: 'EIO' | 'ENOSPC', syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, errno: code === 'EIO' ? -5 : -28 });
}
