import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KeyManagementServiceClient } from '@google-cloud/kms';
import { CACHE } from './cache.ts';
import { type GcpFront, insecureCredentials, startGcpFront } from './gcp-kms-front.ts';
import { freePort, stopChild, waitFor } from './process.ts';

const BINARY = join(CACHE, 'gcp-kms-emulator');
const LOCATION = 'projects/waxseal-test/locations/europe-west3';
const RING = `${LOCATION}/keyRings/ring`;

/** Whether the emulator of Cloud KMS has been built (`npm run servers:install`). */
export const hasGcpKms = (): boolean => existsSync(BINARY);

/** The emulator, behind the front that fills its gaps. */
export interface GcpKms extends AsyncDisposable {
  /** What clients talk to. */
  readonly endpoint: string;
  readonly front: GcpFront;
  /** A client for what a test prepares. */
  readonly admin: KeyManagementServiceClient;
  /** Makes a key; gives its resource name. */
  createKey(fields?: object): Promise<string>;
  stop(): Promise<void>;
}

let counter = 0;

export async function startGcpKms(): Promise<GcpKms> {
  const port = await freePort();
  const child: ChildProcess = spawn(BINARY, ['-port', String(port), '-log-level', 'error'], { stdio: 'ignore' });
  const admin = new KeyManagementServiceClient({ apiEndpoint: '127.0.0.1', port, sslCreds: insecureCredentials() });
  try {
    await waitFor(
      'the emulator of Cloud KMS',
      async () => {
        await admin.createKeyRing({ parent: LOCATION, keyRingId: 'ring' }, { timeout: 1000 });
        return true;
      },
      child,
    );
    const front = await startGcpFront(`127.0.0.1:${String(port)}`);
    const stop = async (): Promise<void> => {
      await admin.close();
      front.stop();
      await stopChild(child);
    };
    return {
      endpoint: front.endpoint,
      front,
      admin,
      async createKey(fields = {}) {
        const [key] = await admin.createCryptoKey({
          parent: RING,
          cryptoKeyId: `key-${String((counter += 1))}`,
          cryptoKey: { purpose: 'ENCRYPT_DECRYPT', ...fields },
        });
        return key.name ?? '';
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stopChild(child);
    throw error;
  }
}
