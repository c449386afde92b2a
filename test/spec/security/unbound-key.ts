import type { KeyProvider } from '../../../src/index.ts';
import { memoryKey } from '../../support/memory-key.ts';

/** A key whose mechanism binds nothing, as RSA-OAEP: what a wrap belongs to is for the FLOE header tag alone to say. */
export function unboundKey(uri = 'local:unbound'): KeyProvider {
  const inner = memoryKey(uri);
  const zero = new Uint8Array(32);
  return {
    ...inner,
    bindsContext: false,
    wrap: (secret) => inner.wrap(secret, zero),
    unwrap: (wrapped) => inner.unwrap(wrapped, zero),
  };
}
