import { onAbandon } from '../../bytes/index.ts';
import { PlaintextCutter } from './cutters.ts';
import { requireBytes } from './inputs.ts';
import { MessageDecryptor } from './message-decryptor.ts';
import { OnlineEncryptor } from './online.ts';
import { type FloeParams, resolveParams, segmentPlaintextLength } from './params.ts';

/** Chunks of any size, such as a Node or web stream, an async generator or an array. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Encrypts a stream: the header comes first, then one chunk for each segment. Holds about two segments in memory
 * whatever the length of the stream.
 *
 * @param key 32 bytes; read before this returns, not kept
 * @param aad associated data; copied before this returns
 * @param source plaintext. A chunk is only read, and not looked at any more once the next one is asked for
 * @returns chunks that the consumer owns. When the consumer stops early, the source is closed and the keys are zeroed
 * @throws TypeError, RangeError for a wrong argument (at once) or a chunk that is no `Uint8Array` (while reading);
 * whatever the source throws
 */
export function encryptStream(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  params: FloeParams,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { segmentLength } = resolveParams(params);
  requireSource(source);
  const encryptor = new OnlineEncryptor(key, aad, params);
  const cutter = new PlaintextCutter(segmentPlaintextLength({ segmentLength }));
  const close = (): void => {
    encryptor.close();
    cutter.wipe();
  };
  async function* run(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield encryptor.header;
      for await (const chunk of source) {
        requireBytes('chunk', chunk);
        for (const plaintext of cutter.push(chunk)) yield encryptor.encryptSegment(plaintext);
      }
      yield encryptor.encryptLastSegment(cutter.rest());
    } finally {
      close();
    }
  }
  return onAbandon(run(), close);
}

/**
 * Decrypts a stream: one chunk for each segment that is not empty, each authenticated before it comes out. The last one
 * comes out only when the source has ended, so a consumer that reaches the end without an error has the whole message.
 * One that acts on earlier chunks must be ready to undo that when a later one throws.
 *
 * @param key 32 bytes; copied before this returns, and the copy zeroed as soon as the header was read
 * @param aad associated data of the message; copied before this returns
 * @param source header and segments. A chunk is only read, and not looked at any more once the next one is asked for
 * @returns plaintext that the consumer owns. When the consumer stops early, the source is closed and the keys are zeroed
 * @throws WaxsealError `ERR_AUTHENTICATION` for a wrong key or associated data, or changed or moved segments;
 * `ERR_MALFORMED` for a header with other parameters or an impossible marker; `ERR_TRUNCATED` when the source ends
 * before the end of the final segment; `ERR_TRAILING_DATA` when it goes on after it. TypeError, RangeError for a wrong
 * argument (at once) or a chunk that is no `Uint8Array` (while reading); whatever the source throws
 */
export function decryptStream(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  params: FloeParams,
): AsyncGenerator<Uint8Array, void, undefined> {
  requireSource(source);
  const decryptor = new MessageDecryptor(key, aad, params);
  async function* run(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of source) yield* decryptor.push(chunk);
      const last = decryptor.end();
      if (last.length > 0) yield last;
    } finally {
      decryptor.close();
    }
  }
  return onAbandon(run(), () => decryptor.close());
}

function requireSource(source: unknown): void {
  if (
    typeof source !== 'object' ||
    source === null ||
    !(Symbol.asyncIterator in source || Symbol.iterator in source) ||
    source instanceof Uint8Array
  ) {
    throw new TypeError('source must be an iterable or async iterable of Uint8Array chunks');
  }
}
