import { afterAll, beforeAll, describe } from 'vitest';
import { vaultTransit } from '../../../providers/vault-transit/index.ts';
import { hasOpenBao, type OpenBao, startOpenBao } from '../../servers/openbao.ts';
import { testConformance } from '../support/conformance.ts';

describe.skipIf(!hasOpenBao())('Transit keeps the promises of the port', () => {
  let bao: OpenBao;
  beforeAll(async () => {
    bao = await startOpenBao();
  });
  afterAll(() => bao.stop());

  const absent = ['disableVersion is not declared', 'canUnwrap is not false', 'wrapRecomputed is not declared'];
  for (const type of ['aes256-gcm96', 'chacha20-poly1305']) {
    describe(type, () => {
      testConformance(async () => {
        const key = await bao.createKey(undefined, { type });
        const provider = await vaultTransit({ key, address: bao.address, token: bao.rootToken });
        return { provider, unknownVersion: '99', close: () => provider.close() };
      }, absent);
    });
  }
});
