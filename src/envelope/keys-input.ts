import type { KeyProvider } from '../keys/provider.ts';

/** One key or several, in the order in which they are tried. */
export type Keys = KeyProvider | readonly KeyProvider[];

/** Checks what the caller handed in as keys. */
export function keyList(keys: Keys, verb: string): readonly KeyProvider[] {
  const list = Array.isArray(keys) ? (keys as readonly KeyProvider[]) : [keys as KeyProvider];
  if (list.length === 0) throw new TypeError(`${verb}: at least one key is needed`);
  for (const key of list) {
    if (
      typeof key !== 'object' ||
      (key as KeyProvider | null) === null ||
      typeof key.uri !== 'string' ||
      typeof key.unwrap !== 'function' ||
      !Array.isArray(key.algorithms)
    ) {
      throw new TypeError(`${verb}: a key must be a KeyProvider, for instance keyring.key('default')`);
    }
  }
  return list;
}
