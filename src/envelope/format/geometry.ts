import { FLOE_HEADER_LENGTH, HASH_LENGTH, PAGE, PRELUDE_LENGTH } from './limits.ts';
import type { Prelude } from './prelude.ts';

interface CommonGeometry {
  /** Bytes from the beginning that a head is decoded from. */
  readonly headLength: number;
  /** Everything in the object but its segments. */
  readonly prefixLength: number;
  /** Where the first segment stands: in the object, or in the payload of a detached one. */
  readonly segments: number;
}

/** Offsets of an attached, rewritable object (SPEC section "Attached layout"). Computed, never stored. */
export interface AttachedGeometry extends CommonGeometry {
  readonly layout: 'attached';
  /** S, length of a slot. */
  readonly slotSize: number;
  readonly slotA: number;
  readonly slotB: number;
  readonly head1: number;
}

/** Offsets where the recipients stand once (SPEC sections "Compact layout", "Detached layout"). */
export interface BlockGeometry extends CommonGeometry {
  readonly layout: 'compact' | 'detached';
  /** Where the recipients stand: hash and list. */
  readonly block: number;
  readonly blockLength: number;
}

export type Geometry = AttachedGeometry | BlockGeometry;

type Lengths = Pick<Prelude, 'coreLength' | 'metaLength' | 'recipientsSize'>;

/** The geometry that a prelude describes. In an attached object the plain FLOE message begins 74 bytes before `segments`. */
export function geometryOf(prelude: Lengths & Pick<Prelude, 'layout'>): Geometry {
  return prelude.layout === 'attached' ? attachedGeometry(prelude) : blockGeometry(prelude, prelude.layout);
}

export function attachedGeometry({ coreLength, metaLength, recipientsSize: slotSize }: Lengths): AttachedGeometry {
  const used = PRELUDE_LENGTH + HASH_LENGTH + coreLength + metaLength + FLOE_HEADER_LENGTH;
  const headLength = Math.ceil(used / PAGE) * PAGE;
  const segments = 2 * headLength + 2 * slotSize;
  return {
    layout: 'attached',
    headLength,
    slotSize,
    slotA: headLength,
    slotB: headLength + slotSize,
    head1: headLength + 2 * slotSize,
    prefixLength: segments,
    segments,
  };
}

function blockGeometry(
  { coreLength, metaLength, recipientsSize }: Lengths,
  layout: BlockGeometry['layout'],
): BlockGeometry {
  const blockLength = HASH_LENGTH + recipientsSize;
  if (layout === 'compact') {
    const block = PRELUDE_LENGTH + coreLength + metaLength;
    const segments = block + blockLength + FLOE_HEADER_LENGTH;
    return { layout, headLength: segments, block, blockLength, prefixLength: segments, segments };
  }
  const block = PRELUDE_LENGTH + HASH_LENGTH + coreLength + metaLength + FLOE_HEADER_LENGTH;
  const prefixLength = block + blockLength;
  return { layout, headLength: block, block, blockLength, prefixLength, segments: FLOE_HEADER_LENGTH };
}
