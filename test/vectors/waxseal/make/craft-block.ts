import { concat } from '../../../../src/bytes/index.ts';
import { hashLabel } from '../../../../src/crypto/hash.ts';
import { craftHeadHash, craftParts, craftPrelude, type Ground, type Made, type PartsRecipe } from './craft.ts';

export type BlockLayout = 'compact' | 'detached';

/** Where the parts of a compact object, or of a detached header, stand. */
export interface Places {
  readonly core: number;
  readonly meta: number;
  readonly block: number;
  readonly blockLength: number;
  readonly floeHeader: number;
  /** Of a compact object in it, of a detached one in its payload. */
  readonly segments: number;
}

/** An object with a recipient block, with any single rule broken. */
export interface BlockRecipe extends Omit<PartsRecipe, 'slotSize'> {
  readonly layout: BlockLayout;
  /** The object the hash of the block is bound to. */
  readonly blockBind?: Uint8Array;
  /** Changes the finished block: hash(32) ‖ list. */
  readonly block?: (block: Uint8Array, ground: Ground) => Uint8Array;
  /** Changes the finished compact object or detached header. */
  readonly object?: (object: Uint8Array, places: Places) => Uint8Array;
  /** Changes the finished payload of a detached object; undefined leaves it away. */
  readonly payload?: (payload: Uint8Array) => Uint8Array | undefined;
}

/** As `craft`, for the layouts with a recipient block. */
export function craftBlock(recipe: BlockRecipe): Made {
  const parts = craftParts(recipe, ({ bind }, list) =>
    concat(hashLabel('waxseal/1 recipients', recipe.blockBind ?? bind, list), list),
  );
  const { dataKey, core, bind, meta, floeHeader, segments } = parts;
  const block = recipe.block?.(parts.recipients, parts) ?? parts.recipients;
  const compact = recipe.layout === 'compact';
  const prelude = craftPrelude(recipe, parts, compact ? 2 : 3, block.length - 32);
  const hash = compact ? new Uint8Array(0) : craftHeadHash(recipe, prelude, parts);
  const head = concat(prelude, hash, core, meta);
  const object = compact ? concat(head, block, floeHeader, ...segments) : concat(head, floeHeader, block);
  const places: Places = {
    core: head.length - meta.length - core.length,
    meta: head.length - meta.length,
    block: compact ? head.length : head.length + 74,
    blockLength: block.length,
    floeHeader: compact ? head.length + block.length : head.length,
    segments: compact ? head.length + block.length + 74 : 74,
  };
  const made = { object: recipe.object?.(object, places) ?? object, dataKey, core, bind };
  if (compact) return made;
  const whole = concat(floeHeader, ...segments);
  const payload = recipe.payload === undefined ? whole : recipe.payload(whole);
  return payload === undefined ? made : { ...made, payload };
}
