import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat, equalBytes } from '../../bytes/index.ts';
import { allocateSecret, randomSecret, zero } from '../secrets.ts';
import { decapsulate, ENC_LENGTH, encapsulate } from './dhkem.ts';
import { keySchedule } from './key-schedule.ts';
import { X25519_LENGTH } from './x25519.ts';

const CIPHER = 'aes-256-gcm';
/** Bytes that a ciphertext is longer than its plaintext. */
export const TAG_LENGTH = 16;

/** One HPKE message. */
export interface HpkeMessage {
  /** The encapsulated key, 32 bytes. */
  readonly enc: Uint8Array<ArrayBuffer>;
  /** 16 bytes longer than the plaintext. */
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/**
 * `SealBase` of RFC 9180 section 6.1, suite DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: one message for the
 * holder of a private key. Anybody can make one; it says nothing about its sender.
 *
 * @param publicKey 32 bytes of the recipient
 * @param ephemeral private key of 32 bytes, never used twice; a fresh one by default. Read only
 * @throws RangeError for a public key of small order, or of another length
 */
export function sealBase(
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  ephemeral?: Uint8Array,
): HpkeMessage {
  const own = ephemeral === undefined ? randomSecret(X25519_LENGTH) : undefined;
  try {
    const encapsulated = encapsulate(publicKey, ephemeral ?? (own as Uint8Array));
    if (encapsulated === undefined) throw smallOrder();
    const { enc, sharedSecret } = encapsulated;
    return {
      enc,
      ciphertext: underMessageKey(sharedSecret, info, (key, nonce) => encrypt(key, nonce, aad, plaintext)),
    };
  } finally {
    zero(own);
  }
}

/**
 * `OpenBase` of RFC 9180 section 6.1.
 *
 * @param privateKey 32 bytes of the recipient; read only
 * @returns the plaintext in memory of its own, which the caller zeroes; undefined for whatever is wrong: another key,
 * info or aad, a changed byte, an encapsulated key of another length or of small order
 */
export function openBase(
  privateKey: Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (enc.length !== ENC_LENGTH) return undefined;
  const sharedSecret = decapsulate(enc, privateKey);
  if (sharedSecret === undefined) return undefined;
  return underMessageKey(sharedSecret, info, (key, nonce) => decrypt(key, nonce, aad, ciphertext));
}

/**
 * Opens a message with what its sender still holds. `enc` has to be the public half of `ephemeral`: a recipient would
 * otherwise come to another secret.
 *
 * @param publicKey 32 bytes of the recipient
 * @param ephemeral the private key that {@link sealBase} was given; read only
 * @returns as {@link openBase}
 */
export function reopenBase(
  publicKey: Uint8Array,
  ephemeral: Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const encapsulated = encapsulate(publicKey, ephemeral);
  if (encapsulated === undefined) return undefined;
  const { sharedSecret } = encapsulated;
  if (!equalBytes(encapsulated.enc, enc)) {
    zero(sharedSecret);
    return undefined;
  }
  return underMessageKey(sharedSecret, info, (key, nonce) => decrypt(key, nonce, aad, ciphertext));
}

function underMessageKey<T>(
  sharedSecret: Uint8Array,
  info: Uint8Array,
  work: (key: Uint8Array, nonce: Uint8Array) => T,
): T {
  const { key, nonce } = keySchedule(sharedSecret, info);
  try {
    return work(key, nonce);
  } finally {
    zero(sharedSecret, key, nonce);
  }
}

function encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(aad);
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag()) as Uint8Array<ArrayBuffer>;
}

function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const length = ciphertext.length - TAG_LENGTH;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH });
  decipher.setAAD(aad);
  decipher.setAuthTag(ciphertext.subarray(length));
  const out = allocateSecret(length);
  const plaintext = decipher.update(ciphertext.subarray(0, length));
  try {
    decipher.final();
    out.set(plaintext);
    return out;
  } catch {
    return undefined;
  } finally {
    zero(plaintext);
  }
}

function smallOrder(): RangeError {
  return new RangeError('the X25519 public key has a small order: everybody would know the secret');
}
