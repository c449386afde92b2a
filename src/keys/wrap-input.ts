const MIN_SECRET = 16;
const MAX_SECRET = 64;
const BINDING = 32;

/** @throws RangeError for a secret outside 16 to 64 bytes or a binding of other than 32 */
export function assertWrapInput(secret: Uint8Array, binding: Uint8Array): void {
  if (!(secret instanceof Uint8Array) || !isSecretLength(secret.length)) {
    throw new RangeError('a secret to wrap must be 16 to 64 bytes');
  }
  assertBinding(binding);
}

/** @throws RangeError for a binding of other than 32 bytes */
export function assertBinding(binding: Uint8Array): void {
  if (!(binding instanceof Uint8Array) || binding.length !== BINDING) {
    throw new RangeError('the binding must be 32 bytes');
  }
}

/** Whether something that was unwrapped can be a secret of ours at all. */
export function isSecretLength(length: number): boolean {
  return length >= MIN_SECRET && length <= MAX_SECRET;
}
