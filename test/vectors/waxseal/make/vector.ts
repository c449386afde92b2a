import type { ErrorCode } from '../../../../src/errors/index.ts';
import type { RecordedKey } from './fixed-key.ts';
import type { Made } from './craft.ts';

/** One vector, before it is written. */
export interface Vector {
  /** File name without extension. */
  readonly name: string;
  /** What it shows, in one line. */
  readonly about: string;
  readonly make: () => Made | Promise<Made>;
  /** Absent for an object that opens. Several where a reader may notice one thing or the other first. */
  readonly code?: ErrorCode | readonly ErrorCode[];
  /** Plaintext of an object that opens; `pattern(length)`. */
  readonly length?: number;
  readonly context?: Readonly<Record<string, string>>;
  readonly metadata?: { readonly name?: string; readonly mediaType?: string };
  /** Keys of the reader; version 1 of local:vectors unless given. */
  readonly keys?: readonly RecordedKey[];
}
