import { randomFillSync, timingSafeEqual } from 'node:crypto';

/**
 * Zeroed memory for a secret. A small `new Uint8Array(n)` lives on the moving heap of V8, and the collector leaves
 * copies behind; an array over its own `ArrayBuffer` does not move, so that zeroing it zeroes the only copy
 * (SPEC, "Secrets in memory").
 */
export function allocateSecret(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

/**
 * A secret that Node has just made, in its own memory outside the moving heap: the same memory as a plain array, which
 * is ours to zero.
 */
export function adoptSecret(made: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(made.buffer as ArrayBuffer, made.byteOffset, made.byteLength);
}

/** Fresh random secret. Only `randomFillSync`: the pools behind `randomUUID` and `randomInt` survive VM snapshots. */
export function randomSecret(length: number): Uint8Array<ArrayBuffer> {
  return randomFillSync(allocateSecret(length));
}

/** Room for one draw; it holds nothing but zeros between two calls. */
const DRAWN = allocateSecret(96);

/**
 * Fresh random bytes that everybody may know, and a fresh random secret, from one draw: a draw costs as much as the
 * cipher of half a kilobyte.
 *
 * @param knownLength with `secretLength` at most 96 bytes
 */
export function randomTogether(
  knownLength: number,
  secretLength: number,
): { readonly known: Uint8Array<ArrayBuffer>; readonly secret: Uint8Array<ArrayBuffer> } {
  const length = knownLength + secretLength;
  if (length > DRAWN.length) throw new RangeError(`at most ${String(DRAWN.length)} bytes at once`);
  randomFillSync(DRAWN, 0, length);
  const secret = allocateSecret(secretLength);
  secret.set(DRAWN.subarray(knownLength, length));
  const known = DRAWN.slice(0, knownLength);
  zero(DRAWN);
  return { known, secret };
}

/** Fresh random bytes that are no secret (ids, nonces, salts). */
export function randomPublic(length: number): Uint8Array<ArrayBuffer> {
  return randomFillSync(new Uint8Array(new ArrayBuffer(length)));
}

/** Overwrites secrets that we allocated. Never call it on a buffer of the caller's. */
export function zero(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** Compares two secrets in a time that depends on their lengths only. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
