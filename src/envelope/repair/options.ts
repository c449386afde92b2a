import type { InPlaceOptions } from '../rewrap/change-object.ts';
import type { PieceSource } from '../source.ts';

/** Options of `repair`. */
export interface RepairOptions extends InPlaceOptions {
  /**
   * Another copy of the same object, or its detached header, to take a head or recipients from; an old backup will do.
   */
  readonly from?: PieceSource | undefined;
  /** The payload of a detached object, where it does not lie beside its header. */
  readonly payload?: PieceSource | undefined;
}

/** What a repair did. */
export interface RepairReport {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /**
   * What was (in a dry run: would be) rewritten, in this order; empty when nothing was wrong. `header`: a compact head
   * or detached header; `interrupted reseal`: of a detached object, completed or undone.
   */
  readonly repaired: readonly ('slot A' | 'slot B' | 'second head' | 'first head' | 'header' | 'interrupted reseal')[];
}
