/** NIST SP 800-38D section 8.3, with a margin: random IVs for at most 2³² messages under a key. */
const MAX_WRAPS = 2 ** 31;

/** Wraps under each version of each key, over all objects of this process that use it. */
const MADE = new Map<string, number>();

/**
 * Counts a wrap with a random IV.
 *
 * @param version names the version in this process
 * @returns whether it may be made
 */
export function takeGcmWrap(version: string, most = MAX_WRAPS): boolean {
  const made = MADE.get(version) ?? 0;
  if (made >= most) return false;
  MADE.set(version, made + 1);
  return true;
}
