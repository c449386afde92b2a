import { afterAll, beforeAll, describe } from 'vitest';
import { hasMoto, type Moto, startMoto } from '../../servers/moto.ts';
import { testConformance } from '../support/conformance.ts';
import { freshKey } from './support.ts';

describe.skipIf(!hasMoto())('AWS KMS keeps the promises of the port', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());

  testConformance(async () => {
    const provider = await freshKey(moto);
    return { provider, close: () => provider.close() };
  }, ['disableVersion is not declared', 'canUnwrap is not false', 'wrapRecomputed is not declared']);
});
