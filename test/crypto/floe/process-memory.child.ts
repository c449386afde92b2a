/**
 * Runs FLOE with a key that it makes itself, and tells its parent the key under a mask, so that the only whole copies in
 * this process are the ones that the code under test makes. Started by process-memory.test.ts.
 */
import { once } from 'node:events';
import { decrypt, decryptStream, encrypt, encryptStream } from '../../../src/crypto/floe/index.ts';
import { startDecryption, startEncryption, verifyHeader } from '../../../src/crypto/floe/segments.ts';
import { randomSecret, zero } from '../../../src/crypto/secrets.ts';

const MASK = 0xa5;
const key = randomSecret(32);
const aad = new Uint8Array(16);
const params = { segmentLength: 4096 };

for (let i = 0; i < 20; i++) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encryptStream(key, aad, [new Uint8Array(50_000)], params)) chunks.push(chunk);
  for await (const _ of decryptStream(key, aad, chunks, params));
  decrypt(key, aad, encrypt(key, aad, new Uint8Array(10_000), params), params);
  const { state, header } = startEncryption(key, aad, params);
  state.close();
  verifyHeader(key, aad, header, params);
  startDecryption(key, aad, header, params).close();
}

console.log(Array.from(key, (byte) => (byte ^ MASK).toString(16).padStart(2, '0')).join(''));
await once(process.stdin, 'data');
zero(key);
console.log('closed');
await once(process.stdin, 'data');
process.exit(0);
