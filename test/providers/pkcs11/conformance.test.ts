import { afterAll, beforeAll, describe } from 'vitest';
import { createPkcs11Key, type CreatePkcs11KeyOptions } from '../../../providers/pkcs11/index.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../../servers/softhsm.ts';
import { testConformance } from '../support/conformance.ts';

const NO_CONTEXT = 'bindsContext is false: the header tag of the object refuses a swapped wrap';
const NEVER = ['generateDataKey is not declared', 'canUnwrap is not false', 'wrapRecomputed is not declared'];

describe.skipIf(!hasSoftHsm())('PKCS#11 on SoftHSM keeps the promises of the port', () => {
  let hsm: SoftHsm;
  let counter = 0;
  beforeAll(() => {
    hsm = makeSoftHsm();
  });
  afterAll(() => hsm.remove());

  const setup = (options: Partial<CreatePkcs11KeyOptions>) => async () => {
    const { token, library, pin } = hsm;
    const provider = await createPkcs11Key({ token, library, pin, object: `key ${String(++counter)}`, ...options });
    return { provider, unknownVersion: 'ff00', close: () => provider.close() };
  };

  describe('AES-GCM', () => {
    testConformance(setup({ mechanism: 'aes-gcm' }), [...NEVER, 'rewrap is not declared']);
  });
  describe('AES-KWP', () => {
    testConformance(setup({ mechanism: 'aes-kwp' }), [...NEVER, NO_CONTEXT, 'AES-KWP is deterministic by design']);
  });
  describe('RSA-OAEP', () => {
    testConformance(setup({ mechanism: 'rsa-oaep', oaepHash: 'sha1', bits: 2048 }), [...NEVER, NO_CONTEXT], {
      maxFlips: 16,
    });
  });
});
