import { afterAll, beforeAll, describe } from 'vitest';
import { createPkcs11Key, type CreatePkcs11KeyOptions } from '../../../providers/pkcs11/index.ts';
import { hasNss, makeNss, type Nss } from '../../servers/nss.ts';
import { testConformance } from '../support/conformance.ts';

const NO_CONTEXT = 'bindsContext is false: the header tag of the object refuses a swapped wrap';
const NEVER = ['generateDataKey is not declared', 'canUnwrap is not false', 'wrapRecomputed is not declared'];

describe.skipIf(!hasNss())('PKCS#11 on NSS keeps the promises of the port', () => {
  let nss: Nss;
  let counter = 0;
  beforeAll(() => {
    nss = makeNss();
  });
  afterAll(() => nss.remove());

  const setup = (options: Partial<CreatePkcs11KeyOptions>) => async () => {
    const { remove: _, ...token } = nss;
    const provider = await createPkcs11Key({ ...token, object: `key ${String(++counter)}`, ...options });
    return { provider, unknownVersion: 'ff00', close: () => provider.close() };
  };

  describe('AES-KWP', () => {
    const absent = [...NEVER, NO_CONTEXT, 'AES-KWP is deterministic by design'];
    testConformance(setup({ mechanism: 'aes-kwp' }), absent);
  });
  describe('RSA-OAEP with SHA-256', () => {
    testConformance(setup({ mechanism: 'rsa-oaep', bits: 2048 }), [...NEVER, NO_CONTEXT], { maxFlips: 16 });
  });
});
