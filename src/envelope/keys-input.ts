import type { KeyProvider } from '../keys/provider.ts';
import { Quorum } from './quorum/quorum.ts';

/** Who can open an object: the holder of a key, or several custodians together. */
export type MasterKey = KeyProvider | Quorum;

/** Keys in an order that changes with what works: what `failover` gives. Only for opening. */
export interface KeysInOrder {
  /** The keys in the order in which they are to be tried now. */
  inOrder(): readonly KeyProvider[];
}

/** One key or several, in the order in which they are tried. */
export type Keys = MasterKey | readonly MasterKey[] | KeysInOrder;

/** The keys to open with: of a quorum, its custodians. */
export function keyList(keys: Keys, verb: string): readonly KeyProvider[] {
  if (isInOrder(keys)) return keys.inOrder();
  const list = targetList(keys, verb);
  return list.some((key) => key instanceof Quorum)
    ? [...new Set(list.flatMap((key) => (key instanceof Quorum ? key.custodians : [key])))]
    : (list as readonly KeyProvider[]);
}

/** The keys to seal to, as the caller handed them in. */
export function targetList(keys: Keys, verb: string): readonly MasterKey[] {
  const list = Array.isArray(keys) ? (keys as readonly MasterKey[]) : [keys as MasterKey];
  if (list.length === 0) throw new TypeError(`${verb}: at least one key is needed`);
  for (const key of list) {
    if (!(key instanceof Quorum) && !isProvider(key)) {
      throw new TypeError(`${verb}: a key must be a KeyProvider, for instance keyring.key('default')`);
    }
  }
  return list;
}

function isProvider(key: KeyProvider | null): boolean {
  return (
    typeof key === 'object' &&
    key !== null &&
    typeof key.uri === 'string' &&
    typeof key.unwrap === 'function' &&
    Array.isArray(key.algorithms)
  );
}

function isInOrder(keys: unknown): keys is KeysInOrder {
  return typeof keys === 'object' && keys !== null && 'inOrder' in keys;
}
