import { LAYOUT } from './limits.ts';

/**
 * How the parts of an object stand (SPEC sections "Attached layout", "Compact layout", "Detached layout"). `attached`:
 * one file, whose recipients are rewritten in place. `compact`: one short byte string, replaced whole. `detached`: a
 * header, and a payload that lies elsewhere and is never touched by a rewrap.
 */
export type Layout = 'attached' | 'compact' | 'detached';

const LAYOUTS = Object.keys(LAYOUT) as readonly Layout[];

/** The layout of a number in a prelude; undefined for one that this version does not know. */
export function layoutOf(code: number | undefined): Layout | undefined {
  return LAYOUTS.find((layout) => LAYOUT[layout] === code);
}

/** Checks what a caller asked for. */
export function requireLayout(layout: Layout | undefined): Layout {
  if (layout === undefined) return 'attached';
  if (!LAYOUTS.includes(layout)) throw new TypeError(`layout must be one of ${LAYOUTS.join(', ')}`);
  return layout;
}
