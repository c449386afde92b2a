import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { type AwsKmsKey, awsKms, type AwsKmsOptions } from '../../../providers/aws-kms/index.ts';
import type { Moto } from '../../servers/moto.ts';

/** Any will do for an emulator that enforces nothing. */
export const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not-a-secret' };

/** A client for what a test prepares. */
export function adminOf(moto: Pick<Moto, 'endpoint'>, region = 'us-east-1'): KMSClient {
  return new KMSClient({ endpoint: moto.endpoint, region, credentials: CREDENTIALS });
}

/** Makes a key and gives its ARN. */
export async function createKey(admin: KMSClient, alias?: string, multiRegion = false): Promise<string> {
  const input = { KeyUsage: 'ENCRYPT_DECRYPT', KeySpec: 'SYMMETRIC_DEFAULT', MultiRegion: multiRegion } as const;
  const { KeyMetadata } = await admin.send(new CreateKeyCommand(input));
  const arn = KeyMetadata?.Arn ?? '';
  if (alias !== undefined) await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }));
  return arn;
}

/** A new key of the emulator. */
export async function freshKey(moto: Pick<Moto, 'endpoint'>, options: Partial<AwsKmsOptions> = {}): Promise<AwsKmsKey> {
  const admin = adminOf(moto);
  const key = await createKey(admin);
  admin.destroy();
  return awsKms({ key, endpoint: moto.endpoint, credentials: CREDENTIALS, ...options });
}
