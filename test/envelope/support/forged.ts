import { randomFillSync } from 'node:crypto';
import { type CborMap, type CborValue, concat, encodeCbor } from '../../../src/bytes/index.ts';
import { isAttached } from '../../../src/envelope/format/head.ts';
import { encodePrefix } from '../../../src/envelope/format/prefix.ts';
import { load } from '../../../src/envelope/load.ts';
import { bytesSource } from '../../../src/envelope/source.ts';

/** An entry as somebody without any key can make it: no tag, and a wrap of random bytes. */
export function forgedEntry(uri: string, algorithm: number, version = '1'): CborMap {
  return new Map<number, CborValue>([
    [1, uri],
    [2, version],
    [3, algorithm],
    [4, randomFillSync(new Uint8Array(80))],
  ]);
}

/**
 * An object (or detached header) with another recipient list and right hashes, as whoever can write it can make it. The
 * entries that `change` gives back as it got them stay byte for byte.
 */
export async function withEntries(
  sealed: Uint8Array,
  change: (entries: readonly CborMap[]) => readonly CborMap[],
): Promise<Uint8Array> {
  const { head, lists } = await load(bytesSource(sealed), undefined);
  const [slot] = lists.flatMap((list) => (list.slot === undefined ? [] : [list.slot]));
  if (slot === undefined) throw new Error('no valid list');
  const list = encodeCbor(change(slot.recipients.map(({ fields }) => fields)));
  const shape = isAttached(head)
    ? { layout: 'attached' as const, slotSize: head.geometry.slotSize, generation: slot.generation }
    : { layout: head.geometry.layout };
  return concat(encodePrefix(head, list, shape, 'x'), sealed.subarray(head.geometry.prefixLength));
}
