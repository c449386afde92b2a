import { fileURLToPath } from 'node:url';

/**
 * The path of a file that is to be changed or made.
 *
 * @param what how the message names what the path is of
 * @param otherwise what it adds, such as where other input goes
 * @throws TypeError for anything but a path or a file URL, and for the empty path
 */
export function requirePath(what: string, path: string | URL, otherwise = ''): string {
  const given: unknown = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof given === 'string' && given !== '') return given;
  const got = given === '' ? '""' : kindOf(given);
  throw new TypeError(`${what}: expected a path or a file URL, not ${got}${otherwise}`);
}

/** What a wrong argument is, for messages: never its content. */
function kindOf(value: unknown): string {
  if (value instanceof Uint8Array) return 'bytes';
  if (value === null || typeof value !== 'object') return String(value === null ? null : typeof value);
  return Symbol.asyncIterator in value || Symbol.iterator in value ? 'a stream' : 'an object';
}
