import { hash } from 'node:crypto';
import { ascii, concat } from '../bytes/index.ts';

/** SHA-256 over the parts in order (FIPS 180-4). For short public inputs: the parts are joined first. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  const bytes = hash('sha256', parts.length === 1 && only !== undefined ? only : concat(...parts), 'buffer');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const SEPARATOR = Uint8Array.of(0);

/** `H(label, x)` of SPEC section "Notation": SHA-256(ASCII label ‖ 00 ‖ x). */
export function hashLabel(label: string, ...x: readonly Uint8Array[]): Uint8Array {
  return sha256(ascii(label), SEPARATOR, ...x);
}
