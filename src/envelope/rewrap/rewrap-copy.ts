import { concat } from '../../bytes/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { type Head, isAttached } from '../format/head.ts';
import { MAX_PREFIX } from '../format/limits.ts';
import { encodePrefix, type PrefixShape } from '../format/prefix.ts';
import { collectPrefix, passing, toWebStream } from '../input.ts';
import type { Intake } from '../intake.ts';
import { load } from '../load.ts';
import { bytesSource } from '../source.ts';
import { type ListChange, nextGeneration, type UpdateOptions, type UpdateResult } from './change.ts';

/** What stands before the payload, with new recipients; the payload itself is never looked at. */
interface RewrittenPrefix {
  readonly bytes: Uint8Array;
  /** How many bytes of the object they take the place of. */
  readonly replaces: number;
  readonly result: UpdateResult;
}

/** Rewraps a copy of an object in memory (or the header of a detached one); nothing is changed in `sealed`. */
export async function rewrapBytes(
  sealed: Uint8Array,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: UpdateOptions,
): Promise<{ readonly sealed: Uint8Array; readonly result: UpdateResult }> {
  const { bytes, replaces, result } = await rewritePrefix(sealed, keys, change, options);
  return { sealed: concat(bytes, sealed.subarray(replaces)), result };
}

/** Rewraps an object on its way through: the payload passes by as it comes. */
export async function rewrapStream(
  sealed: Intake,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: UpdateOptions,
): Promise<{ readonly sealed: ReadableStream<Uint8Array>; readonly result: UpdateResult }> {
  const { prefix, rest } = await collectPrefix(sealed, MAX_PREFIX);
  const { bytes, replaces, result } = await rewritePrefix(prefix, keys, change, options);
  const parts = passing([bytes, prefix.subarray(replaces), rest], sealed, options.signal, undefined);
  return { sealed: toWebStream(parts, sealed), result };
}

async function rewritePrefix(
  sealed: Uint8Array,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: UpdateOptions,
): Promise<RewrittenPrefix> {
  const name = 'the object';
  const loaded = await load(bytesSource(sealed, name), options.observe);
  const { head, lists } = loaded;
  const { current, after, list } = await change(loaded, keys, options, name);
  const generation = isAttached(head) ? nextGeneration(lists) : undefined;
  const bytes = encodePrefix(head, list, shapeOf(head, generation), name);
  const result = { head, before: current.recipients, after, changed: true, generation, bytesWritten: bytes.length };
  return { bytes, replaces: head.geometry.prefixLength, result };
}

function shapeOf(head: Head, generation = 0): PrefixShape {
  return isAttached(head)
    ? { layout: 'attached', slotSize: head.geometry.slotSize, generation }
    : { layout: head.geometry.layout };
}
