// A key provider of one's own: AES-256-GCM under a key in memory, checked by the conformance suite of the port.
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { type ErrorCode, type KeyProvider, open, seal, WaxsealError, WRAP_ALGORITHM } from 'waxseal';
import { providerConformance } from 'waxseal/testing';

function memoryKey(uri: string): KeyProvider {
  const algorithm = WRAP_ALGORITHM.pkcs11AesGcm;
  const kek = randomFillSync(new Uint8Array(new ArrayBuffer(32)));
  const refuse = (code: ErrorCode): WaxsealError => new WaxsealError(code, `${uri} refuses the wrap`, { object: uri });
  function checkLengths(secretLength: number, binding: Uint8Array): void {
    if (secretLength < 16 || secretLength > 64) throw new RangeError('a secret has 16 to 64 bytes');
    if (binding.length !== 32) throw new RangeError('a binding has 32 bytes');
  }
  return {
    ...{ uri, algorithms: [algorithm], bindsContext: true, symmetric: true },
    async wrap(secret, binding, { signal } = {}) {
      signal?.throwIfAborted();
      checkLengths(secret.length, binding);
      const iv = randomFillSync(new Uint8Array(12));
      const cipher = createCipheriv('aes-256-gcm', kek, iv, { authTagLength: 16 }).setAAD(binding);
      const parts = [iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()];
      return { uri, version: '1', algorithm, wrap: Uint8Array.from(Buffer.concat(parts)) };
    },
    async unwrap({ wrap, ...named }, binding, { signal } = {}) {
      signal?.throwIfAborted();
      checkLengths(32, binding);
      if (named.uri !== uri) throw refuse('ERR_NO_MATCHING_KEY');
      if (named.algorithm !== algorithm) throw refuse('ERR_PROVIDER_UNSUPPORTED');
      if (named.version !== '1') throw refuse('ERR_KEY_NOT_FOUND');
      if (wrap.length < 12 + 16 + 16) throw refuse('ERR_AUTHENTICATION');
      const decipher = createDecipheriv('aes-256-gcm', kek, wrap.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(binding).setAuthTag(wrap.subarray(-16));
      const secret = new Uint8Array(new ArrayBuffer(wrap.length - 28)); // memory of its own, which the caller zeroes
      try {
        secret.set(decipher.update(wrap.subarray(12, -16)));
        decipher.final();
      } catch {
        throw refuse('ERR_AUTHENTICATION');
      }
      return { secret, version: '1' };
    },
  };
}

for (const { name, run } of providerConformance(async () => ({ provider: memoryKey('local:memory') }))) {
  const { skipped } = await run(); // throws when a promise of the port is broken
  console.log(skipped === undefined ? `conforms: ${name}` : `skipped:  ${name} (${skipped})`);
}
const key = memoryKey('local:memory');
console.log((await open(await seal(new Uint8Array(10), key), key)).length, 'bytes opened');
