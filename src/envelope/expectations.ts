import { toHex } from '../bytes/index.ts';
import { WaxsealError } from '../errors/index.ts';
import type { Head } from './format/head.ts';

/** What a caller knows about the object before opening it, so that another one under its name is refused. */
export interface Expectations {
  /** The object's id, 32 hexadecimal digits, as `seal` reported it. */
  readonly expectId?: string | undefined;
  /** Entries that the encryption context must have, with exactly these values; others may stand beside them. */
  readonly expectContext?: Readonly<Record<string, string>> | undefined;
  /** Refuse to open through a public-key wrap, which anybody can make. */
  readonly requireSymmetricWrap?: boolean | undefined;
}

/**
 * Compares the core with what the caller expects. Done before a key is used, to spare the call; it holds because the
 * header tag, checked afterwards, commits to the core.
 *
 * @throws WaxsealError `ERR_UNEXPECTED_OBJECT`
 */
export function checkExpectations(head: Head, { expectId, expectContext }: Expectations, name: string): void {
  if (expectId !== undefined) {
    if (!/^[0-9a-f]{32}$/.test(expectId)) throw new TypeError('expectId must be 32 lower-case hexadecimal digits');
    const id = toHex(head.core.id);
    if (id !== expectId) throw unexpected(name, `its id is ${id}, not ${expectId}`);
  }
  for (const [key, value] of Object.entries(expectContext ?? {})) {
    const actual = Object.hasOwn(head.core.context, key) ? head.core.context[key] : undefined;
    if (actual !== value) throw unexpected(name, `its encryption context does not say ${key}=${value}`);
  }
}

function unexpected(name: string, why: string): WaxsealError {
  return new WaxsealError('ERR_UNEXPECTED_OBJECT', `${name} is not the expected object: ${why}`, { object: name });
}
