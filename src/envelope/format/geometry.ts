import { FLOE_HEADER_LENGTH, HASH_LENGTH, PAGE, PRELUDE_LENGTH } from './limits.ts';
import type { Prelude } from './prelude.ts';

/** Offsets of an attached, rewritable object (SPEC section "Attached, rewritable"). Computed, never stored. */
export interface Geometry {
  /** P, length of a head region. */
  readonly headLength: number;
  /** S, length of a slot. */
  readonly slotSize: number;
  readonly slotA: number;
  readonly slotB: number;
  readonly head1: number;
  /** Where the plain FLOE message begins: its header ends the second head. */
  readonly floe: number;
  /** Where the first segment begins: always at a page. */
  readonly segments: number;
}

export function geometryOf(prelude: Pick<Prelude, 'coreLength' | 'metaLength' | 'recipientsSize'>): Geometry {
  const used = PRELUDE_LENGTH + HASH_LENGTH + prelude.coreLength + prelude.metaLength + FLOE_HEADER_LENGTH;
  const headLength = Math.ceil(used / PAGE) * PAGE;
  const slotSize = prelude.recipientsSize;
  const segments = 2 * headLength + 2 * slotSize;
  return {
    headLength,
    slotSize,
    slotA: headLength,
    slotB: headLength + slotSize,
    head1: headLength + 2 * slotSize,
    floe: segments - FLOE_HEADER_LENGTH,
    segments,
  };
}
