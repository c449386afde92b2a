import { concat } from '../../bytes/index.ts';
import { encodeAttachedHead, encodeBlockHead, type HeadParts } from './head.ts';
import { encodeSlot } from './slot.ts';

/** What a layout needs to know beyond the parts of the head. */
export type PrefixShape =
  | { readonly layout: 'attached'; readonly slotSize: number; readonly generation: number }
  | { readonly layout: 'compact' | 'detached' };

/**
 * Everything of an object but its segments: head, slots and second head; or the head with its recipient block.
 *
 * @throws WaxsealError `ERR_SLOT_FULL`
 */
export function encodePrefix(parts: HeadParts, list: Uint8Array, shape: PrefixShape, name: string): Uint8Array {
  if (shape.layout !== 'attached') return encodeBlockHead(parts, shape.layout, list, name);
  const { slotSize, generation } = shape;
  const head = encodeAttachedHead(parts, slotSize);
  const slots = ([0, 1] as const).map((index) => encodeSlot(index, generation, list, slotSize, parts.bind, name));
  return concat(head, ...slots, head);
}
