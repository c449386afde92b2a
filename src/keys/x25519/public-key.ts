import { fromBase64Url, toBase64Url } from '../../bytes/index.ts';
import { hasSmallOrder, isCanonicalPublicKey, X25519_LENGTH } from '../../crypto/hpke/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import { parseKeyUri } from '../uri.ts';

/** `x25519:` and the 32 bytes of the public key in base64url. */
export function x25519Uri(publicKey: Uint8Array): string {
  return `x25519:${toBase64Url(publicKey)}`;
}

/**
 * Takes in a public key: from its URI, or as bytes, which are copied.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI` for another form, another spelling of the same point, and a point of small
 * order, with which everybody could open what was sealed
 */
export function importPublicKey(key: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const publicKey = typeof key === 'string' ? fromUri(key) : fromBytes(key);
  const uri = x25519Uri(publicKey);
  if (!isCanonicalPublicKey(publicKey)) {
    throw refused(uri, 'it is another spelling of its point, to which nobody could open anything');
  }
  if (hasSmallOrder(publicKey)) throw refused(uri, 'its point has a small order, so that it protects nothing');
  return publicKey;
}

function fromUri(uri: string): Uint8Array<ArrayBuffer> {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme !== 'x25519') throw refused(uri, 'a public key begins with x25519:');
  return new Uint8Array(fromBase64Url(rest) ?? []);
}

function fromBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('an X25519 public key is an x25519: URI or 32 bytes');
  if (bytes.length !== X25519_LENGTH) throw new RangeError('an X25519 public key has 32 bytes');
  return new Uint8Array(bytes);
}

function refused(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the public key ${uri} cannot be used: ${why}`, {
    object: uri,
    next: 'ask its owner for the key again: waxseal key export-public NAME',
  });
}
