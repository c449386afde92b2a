import { hash } from 'node:crypto';
import { concat } from '../bytes/index.ts';
import { labelPrefix } from './label.ts';

/** Room to join parts in: memory of its own for each would cost as much as the hash. */
const SCRATCH = new Uint8Array(4096);

/** SHA-256 over the parts in order (FIPS 180-4). For short public inputs: the parts are joined first. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  // As text: Node makes that in half the time of a buffer.
  const text = hash('sha256', joined(parts), 'binary');
  const digest = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) digest[i] = text.charCodeAt(i);
  return digest;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > SCRATCH.length) return concat(...parts);
  let at = 0;
  for (const part of parts) {
    SCRATCH.set(part, at);
    at += part.length;
  }
  return SCRATCH.subarray(0, length);
}

/** `H(label, x)` of SPEC section "Notation": SHA-256(ASCII label ‖ 00 ‖ x). */
export function hashLabel(label: string, ...x: readonly Uint8Array[]): Uint8Array {
  return sha256(labelPrefix(label), ...x);
}
