import { createHash } from 'node:crypto';
import { ascii } from '../bytes/index.ts';

/** SHA-256 over the parts in order (FIPS 180-4). */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** `H(label, x)` of SPEC section "Notation": SHA-256(ASCII label ‖ 00 ‖ x). */
export function hashLabel(label: string, ...x: readonly Uint8Array[]): Uint8Array {
  return sha256(ascii(label), Uint8Array.of(0), ...x);
}
