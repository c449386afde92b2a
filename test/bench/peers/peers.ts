import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What brings the peers: they are too large for the plain `npm ci`. */
export const INSTALL_PEERS = 'npm ci --prefix test/bench/peers';

const PEER = '@aws-crypto/client-node';

/** The little of the AWS Encryption SDK that the benchmark uses; its own types come only with the package. */
export interface AwsEncryptionSdk {
  readonly AlgorithmSuiteIdentifier: Readonly<Record<string, number>>;
  readonly CommitmentPolicy: { readonly REQUIRE_ENCRYPT_REQUIRE_DECRYPT: string };
  readonly RawAesWrappingSuiteIdentifier: { readonly AES256_GCM_IV12_TAG16_NO_PADDING: number };
  readonly RawAesKeyringNode: new (input: {
    readonly keyName: string;
    readonly keyNamespace: string;
    readonly unencryptedMasterKey: Uint8Array;
    readonly wrappingSuite: number;
  }) => object;
  buildClient(policy: string): {
    encrypt(
      keyring: object,
      plaintext: Uint8Array,
      options?: { readonly suiteId?: number },
    ): Promise<{ readonly result: Uint8Array; readonly messageHeader: { readonly suiteId: number } }>;
    decrypt(keyring: object, sealed: Uint8Array): Promise<{ readonly plaintext: Uint8Array }>;
  };
}

/** Whether the AWS Encryption SDK has been installed here, see {@link INSTALL_PEERS}. */
export function hasAwsEncryptionSdk(): boolean {
  return existsSync(join(import.meta.dirname, 'node_modules', PEER, 'package.json'));
}

/** Loads it; throws when it is not here. */
export function loadAwsEncryptionSdk(): AwsEncryptionSdk {
  return createRequire(import.meta.url)(PEER) as AwsEncryptionSdk;
}
