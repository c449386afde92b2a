import { afterAll, beforeAll, describe, test } from 'vitest';
import { providerConformance } from '../../../src/testing/index.ts';
import { hasMoto, type Moto, startMoto } from '../../servers/moto.ts';
import { freshKey } from './support.ts';

describe.skipIf(!hasMoto())('AWS KMS keeps the promises of the port', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());

  const setup = async () => {
    const provider = await freshKey(moto);
    return { provider, close: () => provider.close() };
  };
  for (const { name, run } of providerConformance(setup)) {
    test(name, async ({ annotate }) => {
      const { skipped } = await run();
      if (skipped !== undefined) await annotate(`does not apply: ${skipped}`);
    });
  }
});
