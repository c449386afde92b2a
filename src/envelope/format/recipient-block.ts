import { concat, equalBytes, isZero } from '../../bytes/index.ts';
import { hashLabel } from '../../crypto/hash.ts';
import { WaxsealError } from '../../errors/index.ts';
import { HASH_LENGTH, MAX_LIST } from './limits.ts';
import { decodeRecipients } from './recipients.ts';
import type { SlotReading } from './slot.ts';

function blockHash(list: Uint8Array, bind: Uint8Array): Uint8Array {
  return hashLabel('waxseal/1 recipients', bind, list);
}

/**
 * The recipients of a compact or detached object: hash ‖ list (SPEC section "Recipient block").
 *
 * @throws WaxsealError `ERR_SLOT_FULL`
 */
export function encodeBlock(list: Uint8Array, bind: Uint8Array, name: string): Uint8Array {
  if (list.length > MAX_LIST) {
    throw new WaxsealError(
      'ERR_SLOT_FULL',
      `the recipients of ${name} need ${String(list.length)} bytes; ${String(MAX_LIST)} are allowed`,
      { object: name },
    );
  }
  return concat(blockHash(list, bind), list);
}

/** Reads a recipient block, as a slot without a generation of its own; what it gives are views of `bytes`. */
export function readBlock(bytes: Uint8Array, blockLength: number, bind: Uint8Array, name: string): SlotReading {
  const invalid = (problem: string, erased = false): SlotReading => ({ bytes, slot: undefined, problem, erased });
  if (bytes.length < blockLength) return invalid('they are cut off');
  if (isZero(bytes)) return invalid('they were erased', true);
  const list = bytes.subarray(HASH_LENGTH, blockLength);
  if (!equalBytes(blockHash(list, bind), bytes.subarray(0, HASH_LENGTH))) return invalid('their hash does not match');
  try {
    const recipients = decodeRecipients(list, name);
    return { bytes, slot: { index: 0, generation: 0, recipients, list }, problem: undefined, erased: false };
  } catch (error) {
    if (error instanceof WaxsealError) return invalid(error.message);
    throw error;
  }
}
