import nacl from 'tweetnacl';
import { allocateSecret, zero } from '../../crypto/secrets.ts';

/**
 * XSalsa20-Poly1305 (NaCl `crypto_secretbox`). tweetnacl's own `secretbox` returns small typed arrays, which live on the
 * moving heap of V8 and leave copies of the plaintext behind; its low-level functions work in memory that we give them.
 */
interface LowLevel {
  /** `c` and `m` have the same length; the first 32 bytes of `m` are zero, the first 16 of `c` become zero. */
  crypto_secretbox(c: Uint8Array, m: Uint8Array, length: number, nonce: Uint8Array, key: Uint8Array): 0 | -1;
  /** The inverse; -1 when the tag is wrong. Then `m` is not written. */
  crypto_secretbox_open(m: Uint8Array, c: Uint8Array, length: number, nonce: Uint8Array, key: Uint8Array): 0 | -1;
}

const { lowlevel } = nacl as unknown as { readonly lowlevel: LowLevel };

export const BOX_NONCE_LENGTH = 24;
export const BOX_OVERHEAD = 16;

const MESSAGE_PADDING = 32;
const BOX_PADDING = 16;

/** Encrypts `plaintext` under a 32-byte key; the result is 16 bytes longer. */
export function sealBox(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const message = allocateSecret(MESSAGE_PADDING + plaintext.length);
  message.set(plaintext, MESSAGE_PADDING);
  const padded = allocateSecret(message.length);
  try {
    if (lowlevel.crypto_secretbox(padded, message, message.length, nonce, key) !== 0) throw new RangeError('secretbox');
    return padded.slice(BOX_PADDING);
  } finally {
    zero(message, padded);
  }
}

/** Decrypts a box; undefined when it was not made under this key and nonce. The caller owns and zeroes the result. */
export function openBox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (box.length < BOX_OVERHEAD) return undefined;
  const padded = allocateSecret(BOX_PADDING + box.length);
  padded.set(box, BOX_PADDING);
  const message = allocateSecret(padded.length);
  try {
    if (lowlevel.crypto_secretbox_open(message, padded, padded.length, nonce, key) !== 0) return undefined;
    const plaintext = allocateSecret(message.length - MESSAGE_PADDING);
    plaintext.set(message.subarray(MESSAGE_PADDING));
    return plaintext;
  } finally {
    zero(message, padded);
  }
}
