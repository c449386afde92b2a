import { WaxsealError } from '../errors/index.ts';

/** Key URI schemes of SPEC section "Key URIs". */
export const KEY_SCHEMES = [
  'local',
  'x25519',
  'awskms',
  'gcpkms',
  'azurekms',
  'hashivault',
  'pkcs11',
  'quorum',
] as const;
export type KeyScheme = (typeof KEY_SCHEMES)[number];

export interface KeyUri {
  readonly scheme: KeyScheme;
  /** Everything after the first colon. */
  readonly rest: string;
  readonly uri: string;
}

/** URIs are at most 512 bytes of UTF-8 in an object. */
export const MAX_URI_BYTES = 512;

/** Names of local keys: lower-case letters, digits, dot, underscore and hyphen; 1 to 64 characters. */
const LOCAL_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Parses a key URI.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function parseKeyUri(uri: string): KeyUri {
  const colon = uri.indexOf(':');
  const scheme = KEY_SCHEMES.find((known) => known === uri.slice(0, Math.max(colon, 0)));
  if (scheme === undefined) {
    const name = LOCAL_NAME.test(uri) ? `; did you mean local:${uri}?` : '';
    throw invalid(uri, `it does not begin with one of ${KEY_SCHEMES.map((s) => `${s}:`).join(' ')}${name}`);
  }
  if (Buffer.byteLength(uri) > MAX_URI_BYTES)
    throw invalid(uri.slice(0, 64), `it is over ${String(MAX_URI_BYTES)} bytes`);
  const rest = uri.slice(colon + 1);
  if (scheme === 'local') assertLocalName(rest);
  return { scheme, rest, uri };
}

/**
 * Checks the name of a local key.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function assertLocalName(name: string): void {
  if (!LOCAL_NAME.test(name)) {
    throw invalid(`local:${name}`, 'a name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit');
  }
}

function invalid(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${uri}" cannot be used: ${why}`, { object: uri });
}
