import { hash } from 'node:crypto';
import { adoptSecret, allocateSecret } from './secrets.ts';

/** Bytes of a block and of a digest. */
const SIZES = { sha256: { block: 64, digest: 32 }, sha384: { block: 128, digest: 48 } } as const;

const IPAD = 0x36;
const OPAD = 0x5c;

/** Room for the common case; it holds nothing but zeros between two calls. */
const SCRATCH = allocateSecret(1024);
/** Views of its beginning by their length: there are about twenty lengths, and a view costs as much as the copying. */
const BEGINNINGS: (Uint8Array | undefined)[] = [];

function beginningOf(memory: Uint8Array, length: number): Uint8Array {
  if (memory !== SCRATCH) return memory.subarray(0, length);
  return (BEGINNINGS[length] ??= SCRATCH.subarray(0, length));
}

/**
 * HMAC (RFC 2104, FIPS 198-1) over the parts in order. Made from two hashes in one call each: `createHmac` takes half
 * as long again, and leaves the key in a native object until that is collected.
 *
 * @param key read only; at most one block, as every key of the format
 * @param last a byte that follows the parts
 * @returns 32 bytes (sha256) or 48 (sha384) in memory of their own, which the caller owns and zeroes
 */
export function hmac(
  algorithm: keyof typeof SIZES,
  key: Uint8Array,
  parts: readonly Uint8Array[],
  last?: number,
): Uint8Array<ArrayBuffer> {
  const { block, digest } = SIZES[algorithm];
  const keyLength = key.length;
  if (keyLength > block) throw new RangeError('an HMAC key must not be longer than a block');
  let end = last === undefined ? block : block + 1;
  for (const part of parts) end += part.length;
  const length = Math.max(end, block + digest);
  const memory = length <= SCRATCH.length ? SCRATCH : allocateSecret(length);
  try {
    memory.fill(IPAD, keyLength, block);
    for (let i = 0; i < keyLength; i++) memory[i] = IPAD ^ (key[i] as number);
    let at = block;
    for (const part of parts) {
      memory.set(part, at);
      at += part.length;
    }
    if (last !== undefined) memory[at] = last;
    // As text: that takes half as long. It is no secret, since the key is needed again to get from it to the result.
    const inner = hash(algorithm, beginningOf(memory, end), 'binary');
    memory.fill(OPAD, keyLength, block);
    for (let i = 0; i < keyLength; i++) memory[i] = OPAD ^ (key[i] as number);
    for (let i = 0; i < digest; i++) memory[block + i] = inner.charCodeAt(i);
    return adoptSecret(hash(algorithm, beginningOf(memory, block + digest), 'buffer'));
  } finally {
    memory.fill(0, 0, length);
  }
}
