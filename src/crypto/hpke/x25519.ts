import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { allocateSecret, equalSecrets, zero } from '../secrets.ts';

/** Bytes of a private key, a public key and a shared secret of X25519 (RFC 7748 section 5). */
export const X25519_LENGTH = 32;

/** What stands before the 32 bytes of a private key in its PKCS#8 form (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
/** What stands before the 32 bytes of a public key in its SubjectPublicKeyInfo (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_LENGTH = PKCS8_PREFIX.length + X25519_LENGTH;

/**
 * The public key of a private key.
 *
 * @param privateKey 32 bytes; read only
 */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const spki = createPublicKey(privateKeyObject(privateKey)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

/**
 * X25519 (RFC 7748 section 6.1).
 *
 * @returns the shared secret, which the caller zeroes; undefined where it is all zero, which a public key of small order
 * brings about (RFC 9180 section 7.1.4): everybody would know it
 */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const own = privateKeyObject(privateKey);
  const peer = publicKeyObject(publicKey);
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey: own, publicKey: peer });
  } catch {
    // OpenSSL makes the same check, and refuses with an error of its own.
    return undefined;
  }
  const out = allocateSecret(X25519_LENGTH);
  out.set(shared);
  zero(shared);
  return equalSecrets(out, ALL_ZERO) ? undefined : out;
}

/** Whether the point has one of the small orders: with any private key at all, it gives the all-zero secret. */
export function hasSmallOrder(publicKey: Uint8Array): boolean {
  const shared = x25519(ANY_PRIVATE_KEY, publicKey);
  zero(shared);
  return shared === undefined;
}

const ALL_ZERO = new Uint8Array(X25519_LENGTH);
const ANY_PRIVATE_KEY = new Uint8Array(X25519_LENGTH).fill(1);

/**
 * Whether the bytes are the one spelling of their point: below 2^255 - 19. X25519 itself reduces whatever it is given
 * (RFC 7748 section 5); but HPKE binds the spelling, so that nobody could open what was sealed to another one.
 */
export function isCanonicalPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== X25519_LENGTH) return false;
  const [low = 0, high = 0] = [publicKey[0], publicKey[X25519_LENGTH - 1]];
  if (high > 0x7f) return false;
  return high < 0x7f || low < 0xed || publicKey.subarray(1, -1).some((byte) => byte !== 0xff);
}

/** By DER, not by JWK: a JWK would make a string of the key, which nobody can zero. */
function privateKeyObject(privateKey: Uint8Array): KeyObject {
  if (privateKey.length !== X25519_LENGTH) throw new RangeError('an X25519 private key has 32 bytes');
  const der = allocateSecret(PKCS8_LENGTH);
  der.set(PKCS8_PREFIX);
  der.set(privateKey, PKCS8_PREFIX.length);
  try {
    return createPrivateKey({ key: asBuffer(der), format: 'der', type: 'pkcs8' });
  } finally {
    zero(der);
  }
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  if (publicKey.length !== X25519_LENGTH) throw new RangeError('an X25519 public key has 32 bytes');
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

/** The same memory, as the type that node:crypto asks for. */
function asBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
