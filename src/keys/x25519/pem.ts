import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { X25519_LENGTH } from '../../crypto/hpke/index.ts';
import { allocateSecret, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { x25519Uri } from './public-key.ts';

/**
 * The private key of an X25519 PEM file (PKCS#8, RFC 8410), as `openssl genpkey -algorithm X25519` writes it. No string
 * is made of it: strings cannot be zeroed.
 *
 * @param pem bytes of the file; read only
 * @returns 32 bytes, which the caller zeroes
 * @throws WaxsealError `ERR_USAGE` for a public key, an encrypted key, a key of another kind, and what is no PEM
 */
export function privateKeyFromPem(pem: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
  const found = attempt(() => createPrivateKey({ key, format: 'pem' }));
  if (found === undefined) throw refused(key);
  assertX25519(found);
  const der = found.export({ format: 'der', type: 'pkcs8' });
  const privateKey = allocateSecret(X25519_LENGTH);
  // OpenSSL writes the form of RFC 8410 without a public key: the private key is its end.
  privateKey.set(der.subarray(-X25519_LENGTH));
  zero(der);
  return privateKey;
}

/** The URI of the public key that a PEM file holds; undefined where it holds none, or a private one. */
export function publicUriFromPem(pem: Uint8Array): string | undefined {
  const key = Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
  if (!key.includes('-----BEGIN PUBLIC KEY-----')) return undefined;
  const found = attempt(() => createPublicKey({ key, format: 'pem' }));
  if (found === undefined) return undefined;
  assertX25519(found);
  return x25519Uri(found.export({ format: 'der', type: 'spki' }).subarray(-X25519_LENGTH));
}

function refused(pem: Buffer): WaxsealError {
  const uri = publicUriFromPem(pem);
  if (uri !== undefined) {
    return new WaxsealError('ERR_USAGE', `this is a public key, ${uri}: there is nothing in it to keep secret`, {
      object: uri,
      next: `seal to it with -k ${uri}`,
    });
  }
  if (pem.includes('ENCRYPTED')) {
    return new WaxsealError('ERR_USAGE', 'this private key is encrypted', {
      next: 'decrypt it into a file that only you can read: openssl pkey -in FILE -out PLAIN; delete that file afterwards',
    });
  }
  return new WaxsealError('ERR_USAGE', 'this is no PEM file of a private key', {
    next: 'openssl genpkey -algorithm X25519 makes one; waxseal key create NAME --x25519 needs none',
  });
}

function assertX25519({ asymmetricKeyType }: KeyObject): void {
  if (asymmetricKeyType === 'x25519') return;
  throw new WaxsealError('ERR_USAGE', `this is a key of the kind ${String(asymmetricKeyType)}, not an X25519 key`, {
    next: 'openssl genpkey -algorithm X25519 makes one; waxseal key create NAME --x25519 needs none',
  });
}

function attempt(parse: () => KeyObject): KeyObject | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
