import { afterAll, beforeAll, describe } from 'vitest';
import { gcpKms } from '../../../providers/gcp-kms/index.ts';
import { type GcpKms, hasGcpKms, startGcpKms } from '../../servers/gcp-kms.ts';
import { testConformance } from '../support/conformance.ts';

describe.skipIf(!hasGcpKms())('Google Cloud KMS keeps the promises of the port', () => {
  let server: GcpKms;
  beforeAll(async () => {
    server = await startGcpKms();
  });
  afterAll(() => server.stop());

  testConformance(async () => {
    const provider = await gcpKms({ key: await server.createKey(), endpoint: server.endpoint });
    return { provider, close: () => provider.close() };
  }, [
    'canUnwrap is not false',
    'generateDataKey is not declared',
    'rewrap is not declared',
    'wrapRecomputed is not declared',
  ]);
});
