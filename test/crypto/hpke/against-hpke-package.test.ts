import * as fc from 'fast-check';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import { expect, it } from 'vitest';
import { openBase, sealBase, x25519PublicKey } from '../../../src/crypto/hpke/index.ts';
import { scaled } from '../../tier.ts';

/** Another implementation of the same suite, by other authors, over Web Crypto. */
const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

const inputs = fc.record({
  privateKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  info: fc.uint8Array({ maxLength: 80 }),
  aad: fc.uint8Array({ maxLength: 40 }),
  plaintext: fc.uint8Array({ maxLength: 100 }),
});

const numRuns = scaled(40, 300, 3000);

it('what we seal, the hpke package opens', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, async ({ privateKey, info, aad, plaintext }) => {
      const { enc, ciphertext } = sealBase(x25519PublicKey(privateKey), info, aad, plaintext);
      const key = await suite.DeserializePrivateKey(privateKey, true);
      expect(new Uint8Array(await suite.Open(key, enc, ciphertext, { info, aad }))).toEqual(plaintext);
    }),
    { numRuns },
  );
});

it('what the hpke package seals, we open', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, async ({ privateKey, info, aad, plaintext }) => {
      const publicKey = await suite.DeserializePublicKey(x25519PublicKey(privateKey));
      const { encapsulatedSecret, ciphertext } = await suite.Seal(publicKey, plaintext, { info, aad });
      expect(openBase(privateKey, encapsulatedSecret, info, aad, ciphertext)).toEqual(plaintext);
    }),
    { numRuns },
  );
});
