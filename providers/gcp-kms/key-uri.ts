import { WaxsealError } from '../../src/errors/index.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';
import { parseKeyName } from './name.ts';

/** A key URI of Cloud KMS, as a person gives it. */
export interface GcpKmsUri {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K`. */
  readonly key: string;
  /** Of `endpoint=`. */
  readonly endpoint?: string;
}

/** The URI that objects record: the resource name of the key, never a version or an endpoint. */
export function recordedUri(key: string): string {
  return `gcpkms://${key}`;
}

/**
 * Parses `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K?endpoint=…`.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function parseGcpKmsUri(uri: string): GcpKmsUri {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme !== 'gcpkms' || !rest.startsWith('//')) throw invalidKey(uri, 'it does not begin with gcpkms://');
  const [key = '', query, more] = rest.slice(2).split('?');
  if (more !== undefined) throw invalidKey(uri, 'it has two question marks');
  if (key.includes('/cryptoKeyVersions/')) {
    throw invalidKey(
      uri,
      'it names a version: Cloud KMS wraps under the primary one, and knows by which one it unwraps',
    );
  }
  if (parseKeyName(key) === undefined) throw invalidKey(uri, `"${key}" is not the resource name of a key`);
  const out: { key: string; endpoint?: string } = { key };
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    if (name !== 'endpoint') throw invalidKey(uri, `"${name}" is unknown (endpoint)`);
    if (out.endpoint !== undefined) throw invalidKey(uri, `"${name}" stands in it twice`);
    out.endpoint = value;
  }
  return out;
}

export function invalidKey(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key "${uri}" cannot be used: ${why}`, {
    object: uri,
    next: 'write gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY',
  });
}
