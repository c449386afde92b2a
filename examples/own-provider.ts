// A key provider of one's own: AES-256-GCM with a key in memory, checked by the conformance suite.
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { type KeyProvider, open, seal, WaxsealError } from 'waxseal';
import { providerConformance } from 'waxseal/testing';

function memoryKey(uri: string): KeyProvider {
  const kek = randomFillSync(new Uint8Array(new ArrayBuffer(32)));
  return {
    uri,
    algorithms: [5],
    bindsContext: true,
    symmetric: true,
    async wrap(secret, binding, { signal } = {}) {
      signal?.throwIfAborted();
      if (secret.length < 16 || secret.length > 64) throw new RangeError('a secret has 16 to 64 bytes');
      if (binding.length !== 32) throw new RangeError('a binding has 32 bytes');
      const iv = randomFillSync(new Uint8Array(12));
      const cipher = createCipheriv('aes-256-gcm', kek, iv, { authTagLength: 16 }).setAAD(binding);
      const wrap = Uint8Array.from(Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]));
      return { uri, version: '1', algorithm: 5, wrap };
    },
    async unwrap(wrapped, binding, { signal } = {}) {
      signal?.throwIfAborted();
      if (binding.length !== 32) throw new RangeError('a binding has 32 bytes');
      if (wrapped.uri !== uri) throw new WaxsealError('ERR_NO_MATCHING_KEY', `${wrapped.uri} is not ${uri}`);
      if (wrapped.algorithm !== 5) throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', 'not AES-GCM');
      if (wrapped.version !== '1')
        throw new WaxsealError('ERR_KEY_NOT_FOUND', `${uri} has no version ${wrapped.version}`);
      try {
        const { wrap } = wrapped;
        const decipher = createDecipheriv('aes-256-gcm', kek, wrap.subarray(0, 12), { authTagLength: 16 }).setAAD(
          binding,
        );
        decipher.setAuthTag(wrap.subarray(-16));
        const secret = new Uint8Array(new ArrayBuffer(wrap.length - 28));
        secret.set(Buffer.concat([decipher.update(wrap.subarray(12, -16)), decipher.final()]));
        return { secret, version: '1' };
      } catch (cause) {
        throw new WaxsealError('ERR_AUTHENTICATION', 'the wrap does not authenticate', { object: uri, cause });
      }
    },
  };
}

for (const { name, run } of providerConformance(async () => ({ provider: memoryKey('local:memory') }))) {
  const { skipped } = await run();
  console.log(skipped === undefined ? 'conforms:' : 'not declared:', name);
}
const key = memoryKey('local:memory');
console.log((await open(await seal(new Uint8Array(10), key), key)).length, 'bytes opened');
