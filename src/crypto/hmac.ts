import { hash } from 'node:crypto';
import { adoptSecret, allocateSecret } from './secrets.ts';

/** Bytes of a block and of a digest. */
const SIZES = { sha256: { block: 64, digest: 32 }, sha384: { block: 128, digest: 48 } } as const;

const IPAD = 0x36;
const OPAD = 0x5c;

/** Room for the common case; it holds nothing but zeros between two calls. */
const SCRATCH = allocateSecret(1024);

/**
 * HMAC (RFC 2104, FIPS 198-1) over the parts in order. Made from two hashes in one call each: `createHmac` takes half
 * as long again, and leaves the key in a native object until that is collected.
 *
 * @param key read only; at most one block, as every key of the format
 * @returns 32 bytes (sha256) or 48 (sha384) in memory of their own, which the caller owns and zeroes
 */
export function hmac(
  algorithm: keyof typeof SIZES,
  key: Uint8Array,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const { block, digest } = SIZES[algorithm];
  if (key.length > block) throw new RangeError('an HMAC key must not be longer than a block');
  let length = block + digest;
  let end = block;
  for (const part of parts) end += part.length;
  if (end > length) length = end;
  const memory = length <= SCRATCH.length ? SCRATCH : allocateSecret(length);
  try {
    padKey(memory, key, IPAD, block);
    let at = block;
    for (const part of parts) {
      memory.set(part, at);
      at += part.length;
    }
    // As text: that takes half as long. It is no secret, since the key is needed again to get from it to the result.
    const inner = hash(algorithm, memory.subarray(0, end), 'binary');
    padKey(memory, key, OPAD, block);
    for (let i = 0; i < digest; i++) memory[block + i] = inner.charCodeAt(i);
    return adoptSecret(hash(algorithm, memory.subarray(0, block + digest), 'buffer'));
  } finally {
    memory.fill(0, 0, length);
  }
}

function padKey(memory: Uint8Array, key: Uint8Array, pad: number, block: number): void {
  memory.fill(pad, 0, block);
  for (let i = 0; i < key.length; i++) memory[i] = pad ^ (key[i] as number);
}
