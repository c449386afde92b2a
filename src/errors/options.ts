/**
 * Refuses option names that the callee does not know: an option that is accepted and ignored is a security option
 * that somebody believes in.
 */
export function refuseUnknownOptions(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${what}: options must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${what}: unknown option "${name}" (known: ${known.join(', ')})`);
    }
  }
}
