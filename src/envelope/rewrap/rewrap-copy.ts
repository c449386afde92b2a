import { concat, onAbandon } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { unlockSlots } from '../choose-slot.ts';
import { assertDistinct, encodeRecipients } from '../format/recipients.ts';
import { encodeSlot } from '../format/slot.ts';
import { MAX_PREFIX } from '../format/limits.ts';
import { type ByteStream, collectPrefix, toWebStream } from '../input.ts';
import { load } from '../load.ts';
import type { PrefixReader } from '../read-head.ts';
import { type Change, nextGeneration, type UpdateOptions, type UpdateResult } from './update-slots.ts';

/** What stands before the payload, with new recipients; the payload itself is never looked at. */
interface RewrittenPrefix {
  readonly bytes: Uint8Array;
  readonly result: UpdateResult;
}

/** Rewraps a copy of an object in memory: both heads and slots are written anew, nothing is changed in `sealed`. */
export async function rewrapBytes(
  sealed: Uint8Array,
  keys: readonly KeyProvider[],
  change: Change,
  options: UpdateOptions,
): Promise<{ readonly sealed: Uint8Array; readonly result: UpdateResult }> {
  const { bytes, result } = await rewritePrefix(sealed, keys, change, options);
  return { sealed: concat(bytes, sealed.subarray(bytes.length)), result };
}

/** Rewraps an object on its way through: the payload passes by as it comes. */
export async function rewrapStream(
  sealed: ByteStream,
  keys: readonly KeyProvider[],
  change: Change,
  options: UpdateOptions,
): Promise<{ readonly sealed: ReadableStream<Uint8Array>; readonly result: UpdateResult }> {
  const { prefix, rest, chunks } = await collectPrefix(sealed, MAX_PREFIX);
  try {
    const { bytes, result } = await rewritePrefix(prefix, keys, change, options);
    const end = async (): Promise<void> => void (await chunks.return?.());
    async function* passing(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield bytes;
        for (const part of [prefix.subarray(bytes.length), rest]) if (part.length > 0) yield part;
        for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
          options.signal?.throwIfAborted();
          yield next.value;
        }
      } finally {
        await end();
      }
    }
    return { sealed: toWebStream(onAbandon(passing(), end)), result };
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
}

async function rewritePrefix(
  sealed: Uint8Array,
  keys: readonly KeyProvider[],
  change: Change,
  options: UpdateOptions,
): Promise<RewrittenPrefix> {
  const name = 'the object';
  const source: PrefixReader = {
    name,
    size: sealed.length,
    read: (offset, length) => Promise.resolve(sealed.subarray(offset, offset + length)),
  };
  const { head, slots } = await load(source, options.observe);
  const opened = await unlockSlots(head, slots, keys, { ...options, name });
  try {
    const after = await change({ head, dataKey: opened.dataKey, opened });
    assertDistinct(after, name);
    const generation = nextGeneration(slots);
    const list = encodeRecipients(after);
    const pair = ([0, 1] as const).map((index) =>
      encodeSlot(index, generation, list, head.geometry.slotSize, head.bind, name),
    );
    const bytes = concat(head.bytes, ...pair, head.bytes);
    const before = opened.slot.recipients;
    return { bytes, result: { head, before, after, changed: true, generation, bytesWritten: bytes.length } };
  } finally {
    zero(opened.dataKey);
  }
}
