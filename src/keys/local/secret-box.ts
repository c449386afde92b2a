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

/** Room for every secret that is boxed here; it holds nothing but zeros between two calls. */
const ROOM = 256;
const MESSAGE = allocateSecret(ROOM);
const PADDED = allocateSecret(ROOM);

/** Two pieces of zeroed memory, which `work` may fill and which are zero again when it has ended. */
function inScratch<T>(length: number, work: (message: Uint8Array, padded: Uint8Array) => T): T {
  const fits = length <= ROOM;
  const message = fits ? MESSAGE.subarray(0, length) : allocateSecret(length);
  const padded = fits ? PADDED.subarray(0, length) : allocateSecret(length);
  try {
    return work(message, padded);
  } finally {
    zero(message, padded);
  }
}

/** Encrypts `plaintext` under a 32-byte key; the result is 16 bytes longer. */
export function sealBox(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  return inScratch(MESSAGE_PADDING + plaintext.length, (message, padded) => {
    message.set(plaintext, MESSAGE_PADDING);
    if (lowlevel.crypto_secretbox(padded, message, message.length, nonce, key) !== 0) throw new RangeError('secretbox');
    return padded.slice(BOX_PADDING);
  });
}

/** Decrypts a box; undefined when it was not made under this key and nonce. The caller owns and zeroes the result. */
export function openBox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (box.length < BOX_OVERHEAD) return undefined;
  return inScratch(BOX_PADDING + box.length, (message, padded) => {
    padded.set(box, BOX_PADDING);
    if (lowlevel.crypto_secretbox_open(message, padded, padded.length, nonce, key) !== 0) return undefined;
    const plaintext = allocateSecret(message.length - MESSAGE_PADDING);
    plaintext.set(message.subarray(MESSAGE_PADDING));
    return plaintext;
  });
}
