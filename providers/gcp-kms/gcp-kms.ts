import type { CallOptions } from '../../src/keys/provider.ts';
import { KmsCalls } from './calls.ts';
import { loadSdk } from './client.ts';
import { GcpKmsKey } from './key.ts';
import { invalidKey } from './key-uri.ts';
import { parseKeyName } from './name.ts';
import { checkOptions, type GcpKmsOptions } from './options.ts';

const ROTATION_TIMEOUT_MS = 60_000;

/**
 * A symmetric key of Google Cloud KMS to seal to and open with. Needs the package `@google-cloud/kms`. No call is made
 * here.
 *
 * @throws WaxsealError `ERR_PROVIDER_MISSING` without the SDK, `ERR_INVALID_KEY_URI` for what is no resource name of a key,
 * `ERR_CONFIG`; TypeError and RangeError for unknown or wrong options
 *
 * @example
 * const key = await gcpKms({ key: 'projects/ml/locations/europe-west3/keyRings/models/cryptoKeys/default' });
 * await sealFile('model.onnx', 'model.onnx.wax', key);
 */
export async function gcpKms(options: GcpKmsOptions & CallOptions): Promise<GcpKmsKey> {
  checkOptions(options);
  if (parseKeyName(options.key) === undefined) {
    throw invalidKey(options.key, 'it is not the resource name of a key, without a version');
  }
  options.signal?.throwIfAborted();
  const { rotationTimeoutMs = ROTATION_TIMEOUT_MS, signal: _, ...settings } = options;
  return new GcpKmsKey(new KmsCalls(await loadSdk(), settings), rotationTimeoutMs);
}
