import { expect } from 'vitest';
import type { KeyProvider } from '../../../src/index.ts';
import { expectOpens, objectOf, outcome, type Parts, type Sealed } from './objects.ts';

const NAMES = ['core', 'meta', 'floeHeader', 'list', 'segments'] as const;

/** All mixtures of the parts of two objects; bit i of the number says whose part i it is. */
function mixtures(one: Parts, two: Parts): { readonly from: number; readonly object: Sealed }[] {
  return Array.from({ length: 32 }, (_, from) => {
    const mixed = Object.fromEntries(NAMES.map((name, i) => [name, ((from >> i) & 1) === 0 ? one[name] : two[name]]));
    return { from, object: objectOf({ ...one, ...mixed }) };
  });
}

/** Only the two objects themselves open. */
export async function expectOnlyWhole(
  one: Parts,
  two: Parts,
  key: KeyProvider,
  plaintexts: readonly [Uint8Array, Uint8Array],
): Promise<void> {
  for (const { from, object } of mixtures(one, two)) {
    if (from === 0) await expectOpens(object, key, plaintexts[0]);
    else if (from === 31) await expectOpens(object, key, plaintexts[1]);
    else expect(await outcome(object, key), `mixture ${String(from)}`).toBe('ERR_AUTHENTICATION');
  }
}
