import { equalBytes, isZero, readU32, readU64, writeU32, writeU64 } from '../../bytes/index.ts';
import { hashLabel } from '../../crypto/hash.ts';
import { WaxsealError } from '../../errors/index.ts';
import { MAX_GENERATION, SLOT_HEADER_LENGTH } from './limits.ts';
import { decodeRecipients, type Recipient } from './recipients.ts';

/** `WXSL` */
const SLOT_MAGIC = Uint8Array.of(0x57, 0x58, 0x53, 0x4c);

/** Which of the two slots: 0 is A, 1 is B. */
export type SlotIndex = 0 | 1;

export interface Slot {
  readonly index: SlotIndex;
  readonly generation: number;
  readonly recipients: readonly Recipient[];
  /** The encoded list. */
  readonly list: Uint8Array;
}

/** A slot as it was read: its bytes, and what they mean if they are valid. */
export interface SlotReading {
  readonly bytes: Uint8Array;
  readonly slot: Slot | undefined;
  /** Why it is not valid. */
  readonly problem: string | undefined;
  /** Nothing but zeros, as shredding leaves it. */
  readonly erased: boolean;
}

/** How many bytes of recipients a slot holds. */
export function slotCapacity(slotSize: number): number {
  return slotSize - SLOT_HEADER_LENGTH;
}

/**
 * A complete slot (SPEC section "Slot"). No step of any protocol writes anything else over a slot.
 *
 * @returns `slotSize` new bytes
 * @throws WaxsealError `ERR_SLOT_FULL`
 */
export function encodeSlot(
  index: SlotIndex,
  generation: number,
  list: Uint8Array,
  slotSize: number,
  bind: Uint8Array,
  name: string,
): Uint8Array {
  if (list.length > slotCapacity(slotSize)) {
    throw new WaxsealError(
      'ERR_SLOT_FULL',
      `the recipients of ${name} need ${String(list.length)} bytes and its slots hold ${String(slotCapacity(slotSize))}`,
      { object: name },
    );
  }
  const out = new Uint8Array(slotSize);
  out.set(SLOT_MAGIC);
  out[4] = index;
  writeU64(out, 8, generation);
  writeU32(out, 16, list.length);
  writeU32(out, 20, slotSize);
  out.set(hashLabel('waxseal/1 slot', bind, out.subarray(0, 32), list), 32);
  out.set(list, SLOT_HEADER_LENGTH);
  return out;
}

/** Reads a slot; anything wrong makes it invalid, never an error, because the other slot may do. */
export function readSlot(
  bytes: Uint8Array,
  index: SlotIndex,
  slotSize: number,
  bind: Uint8Array,
  name: string,
): SlotReading {
  const invalid = (problem: string, erased = false): SlotReading => ({ bytes, slot: undefined, problem, erased });
  if (bytes.length !== slotSize) return invalid('it is cut off');
  if (isZero(bytes)) return invalid('it was erased', true);
  if (!equalBytes(bytes.subarray(0, 4), SLOT_MAGIC)) return invalid('it does not begin with WXSL');
  if (bytes[4] !== index) return invalid('it is the other slot');
  if (!isZero(bytes.subarray(5, 8)) || !isZero(bytes.subarray(24, 32))) return invalid('reserved bytes are not zero');
  const generation = readU64(bytes, 8);
  if (generation > BigInt(MAX_GENERATION)) return invalid('its generation is over the limit');
  const length = readU32(bytes, 16);
  if (readU32(bytes, 20) !== slotSize) return invalid('it says another size');
  if (length > slotCapacity(slotSize)) return invalid('its list is longer than the slot');
  const list = new Uint8Array(bytes.subarray(SLOT_HEADER_LENGTH, SLOT_HEADER_LENGTH + length));
  if (!equalBytes(hashLabel('waxseal/1 slot', bind, bytes.subarray(0, 32), list), bytes.subarray(32, 64))) {
    return invalid('its hash does not match');
  }
  try {
    const recipients = decodeRecipients(list, name);
    return {
      bytes,
      slot: { index, generation: Number(generation), recipients, list },
      problem: undefined,
      erased: false,
    };
  } catch (error) {
    if (error instanceof WaxsealError) return invalid(error.message);
    throw error;
  }
}

/** Whether the bytes behind the list of a valid slot are zero, as every writer leaves them. */
export function hasCleanPadding({ bytes, slot }: SlotReading): boolean {
  return slot === undefined || isZero(bytes.subarray(SLOT_HEADER_LENGTH + slot.list.length));
}
