import type { Expectations } from '../expectations.ts';
import type { OnProgress } from '../progress.ts';
import { IN_PLACE_OPTIONS, type InPlaceOptions } from '../rewrap/change-object.ts';
import type { RecipientChoice } from './new-recipients.ts';

/** Options of `reseal`. */
export interface ResealOptions extends InPlaceOptions, RecipientChoice, Expectations {
  /** Told how far it is, in plaintext bytes. */
  readonly onProgress?: OnProgress | undefined;
  /** The payload of a detached object, where it does not lie beside its header. */
  readonly payload?: string | undefined;
}

export const RESEAL_OPTIONS = [
  ...IN_PLACE_OPTIONS,
  'recipients',
  'dropOthers',
  'expectId',
  'expectContext',
  'requireSymmetricWrap',
  'onProgress',
  'payload',
] as const;

/** What a reseal did (in a dry run: would do). */
export interface ResealReport {
  /** The new object's, 32 hexadecimal digits; undefined in a dry run. */
  readonly id: string | undefined;
  /** The id that it had before. */
  readonly previousId: string;
  /** Plaintext bytes. */
  readonly size: number;
  /** URIs of the keys that open it now. */
  readonly recipients: readonly string[];
  /** URIs of the keys that do not open it any more. */
  readonly dropped: readonly string[];
}
