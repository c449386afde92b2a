import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import { aliasRegion, type KeyArn, parseKeyArn } from './arn.ts';
import { KmsCalls } from './calls.ts';
import { type KmsSdk, loadSdk, requireOneAttempt } from './client.ts';
import { keyMetadata } from './describe.ts';
import { isKeyName, recordedUri } from './key-uri.ts';
import { AwsKmsKey } from './key.ts';
import { type AwsKmsOptions, checkConnection } from './options.ts';

const ROTATION_TIMEOUT_MS = 60_000;
const USAGE = 'ENCRYPT_DECRYPT';
const SPEC = 'SYMMETRIC_DEFAULT';

/**
 * A key of AWS KMS to seal to and open with. Needs the package `@aws-sdk/client-kms`.
 *
 * An ARN of a key is used as it is, without a call. Aliases and key ids are resolved at once, and what they point to then
 * is what objects record: an alias that is moved later changes nothing for them.
 *
 * @throws WaxsealError `ERR_PROVIDER_MISSING` without the SDK, `ERR_INVALID_KEY_URI`, `ERR_CONFIG`,
 * `ERR_RECIPIENT_NOT_ALLOWED` for a key that is not one of `allowedKeys`, `ERR_PROVIDER_UNSUPPORTED` for keys that do
 * not encrypt symmetrically, and what resolving an alias can fail with; TypeError for unknown options
 *
 * @example
 * const key = await awsKms({ key: 'alias/models', region: 'eu-central-1' });
 * await sealFile('model.onnx', 'model.onnx.wax', key);
 */
export async function awsKms(options: AwsKmsOptions & CallOptions): Promise<AwsKmsKey> {
  checkConnection('awsKms', options, ['key', 'multiRegion', 'rotationTimeoutMs', 'signal']);
  const { key, multiRegion = false, rotationTimeoutMs = ROTATION_TIMEOUT_MS, client, allowedKeys } = options;
  if (typeof key !== 'string') throw new TypeError('awsKms: key must be a text');
  if (typeof multiRegion !== 'boolean') throw new TypeError('awsKms: multiRegion must be true or false');
  if (!Number.isSafeInteger(rotationTimeoutMs) || rotationTimeoutMs < 0) {
    throw new RangeError('awsKms: rotationTimeoutMs must be a number of milliseconds');
  }
  if (!isKeyName(key)) throw invalid(key, 'it is no key ARN, alias ARN, alias/NAME or key id');
  await requireOneAttempt(client);
  const sdk = await loadSdk();
  const arn = parseKeyArn(key) ?? (await resolve(sdk, options));
  if (allowedKeys?.includes(arn.arn) === false) throw notAllowed(key, arn.arn);
  if (multiRegion && !arn.keyId.startsWith('mrk-')) throw invalid(key, 'it is no multi-Region key (mrk-…)');
  const calls = new KmsCalls(sdk, options, recordedUri(arn.arn), options.region ?? arn.region);
  return new AwsKmsKey(arn, calls, { multiRegion, rotationTimeoutMs, allowedKeys, ownsClient: client === undefined });
}

/** What an alias or key id stands for now. */
async function resolve(sdk: KmsSdk, options: AwsKmsOptions & CallOptions): Promise<KeyArn> {
  const { key, region, client, signal } = options;
  const calls = new KmsCalls(sdk, options, recordedUri(key), region ?? aliasRegion(key) ?? undefined);
  try {
    const metadata = await keyMetadata(calls, key, { signal });
    const arn = parseKeyArn(metadata.Arn ?? '');
    if (arn === undefined || !mayStandFor(key, arn)) {
      throw calls.malformed(`it names the key ${String(metadata.Arn)}`);
    }
    const { KeyUsage = USAGE, KeySpec = SPEC } = metadata;
    if (KeyUsage !== USAGE || KeySpec !== SPEC) {
      throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${key} is a key for ${KeyUsage} of spec ${KeySpec}`, {
        object: key,
        next: 'use a key with usage ENCRYPT_DECRYPT and spec SYMMETRIC_DEFAULT',
      });
    }
    return arn;
  } finally {
    calls.close(client === undefined);
  }
}

/** A key id stands for the key of that id, and the ARN of an alias for a key of its region and account. */
function mayStandFor(name: string, { arn, keyId }: KeyArn): boolean {
  if (name.startsWith('alias/')) return true;
  if (!name.startsWith('arn:')) return name === keyId;
  return arn.startsWith(name.slice(0, name.indexOf(':alias/') + 1));
}

function notAllowed(key: string, arn: string): WaxsealError {
  const what = key === arn ? arn : `${key} stands for ${arn}, which`;
  return new WaxsealError('ERR_RECIPIENT_NOT_ALLOWED', `${what} is not one of the allowed keys`, {
    object: key,
    next: 'check who changed the alias; add the ARN to allowedKeys if the key is the right one',
  });
}

function invalid(key: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key "${key}" cannot be used: ${why}`, {
    object: key,
    next: 'give the ARN of the key, or alias/NAME with a region',
  });
}
