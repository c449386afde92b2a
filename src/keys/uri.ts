import { fromBase64Url } from '../bytes/index.ts';
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
/** One of {@link KEY_SCHEMES}. */
export type KeyScheme = (typeof KEY_SCHEMES)[number];

/** A key URI, taken apart. */
export interface KeyUri {
  /** What stands before the first colon. */
  readonly scheme: KeyScheme;
  /** Everything after the first colon. */
  readonly rest: string;
  /** The whole of it. */
  readonly uri: string;
}

/** URIs are at most 512 bytes of UTF-8 in an object. */
export const MAX_URI_BYTES = 512;

/** Names of local keys: lower-case letters, digits, dot, underscore and hyphen; 1 to 64 characters. */
const LOCAL_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Of X25519. */
const PUBLIC_KEY_BYTES = 32;

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
  // That of a quorum is never recorded: it names the URIs of its custodians.
  if (scheme !== 'quorum' && Buffer.byteLength(uri) > MAX_URI_BYTES)
    throw invalid(uri.slice(0, 64), `it is over ${String(MAX_URI_BYTES)} bytes`);
  const rest = uri.slice(colon + 1);
  if (scheme === 'local') assertLocalName(rest);
  if (scheme === 'x25519') assertPublicKeyForm(uri, rest);
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

/** Whether a text can be the name of a local key, or of a key pair in a keyring. */
export function isLocalName(name: string): boolean {
  return LOCAL_NAME.test(name);
}

/** 32 bytes in base64url have exactly 43 characters, and one spelling. */
function assertPublicKeyForm(uri: string, rest: string): void {
  if (fromBase64Url(rest)?.length === PUBLIC_KEY_BYTES) return;
  throw invalid(uri, 'x25519: is followed by the 32 bytes of the public key in base64url, 43 characters');
}

function invalid(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${uri}" cannot be used: ${why}`, { object: uri });
}
