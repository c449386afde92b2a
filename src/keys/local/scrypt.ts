import { scrypt } from 'node:crypto';
import { allocateSecret, zero } from '../../crypto/secrets.ts';

/** Cost of scrypt (RFC 7914). `r` is always 8. */
export interface ScryptCost {
  /** Work and memory: a power of two. */
  readonly N: number;
  /** How many times that work is done. */
  readonly p: number;
}

export const SCRYPT_R = 8;

/** About 64 MiB and a third of a second; OWASP's second choice, kept for its memory. */
export const DEFAULT_SCRYPT: ScryptCost = Object.freeze({ N: 2 ** 16, p: 2 });

/**
 * Bounds for what a file may ask for, checked before a byte is allocated: 128 * N * r is 16 MiB at the lower end and
 * 256 MiB at the upper.
 */
const SCRYPT_BOUNDS = Object.freeze({ minN: 2 ** 14, maxN: 2 ** 18, maxP: 4 });

/** Whether a cost lies within the bounds. */
export function isScryptCost({ N, p }: ScryptCost): boolean {
  const { minN, maxN, maxP } = SCRYPT_BOUNDS;
  return (
    Number.isSafeInteger(N) &&
    N >= minN &&
    N <= maxN &&
    (N & (N - 1)) === 0 &&
    Number.isSafeInteger(p) &&
    p >= 1 &&
    p <= maxP
  );
}

/** scrypt on the thread pool. The caller owns and zeroes the result. */
export async function deriveScrypt(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { N, p }: ScryptCost,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isScryptCost({ N, p })) throw new RangeError('scrypt: N is a power of two from 2^14 to 2^18, p is 1 to 4');
  const maxmem = 128 * SCRYPT_R * (N + p + 8);
  const derived = await new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase, salt, length, { N, r: SCRYPT_R, p, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
  const out = allocateSecret(length);
  out.set(derived);
  zero(derived);
  return out;
}
