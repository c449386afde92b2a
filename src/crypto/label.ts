import { ascii, concat } from '../bytes/index.ts';

/** Labels are constants of the format: there are about twenty. */
const PREFIXES = new Map<string, Uint8Array>();

/**
 * ASCII label ‖ 00, which begins every labelled hash and derivation (SPEC section "Notation"). Made once for each label.
 *
 * @returns shared memory: read it only
 */
export function labelPrefix(label: string): Uint8Array {
  let prefix = PREFIXES.get(label);
  if (prefix === undefined) {
    prefix = concat(ascii(label), Uint8Array.of(0));
    PREFIXES.set(label, prefix);
  }
  return prefix;
}
