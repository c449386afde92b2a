import { requireBytes } from './inputs.ts';
import { MessageDecryptor } from './message-decryptor.ts';
import { type FloeParams, HEADER_LENGTH, resolveParams, SEGMENT_OVERHEAD, SEGMENT_PREFIX_LENGTH } from './params.ts';
import { encryptSegmentParts, startEncryption } from './segments.ts';
import { floeSegmentCount, floeSize } from './sizes.ts';

/**
 * Encrypts a plaintext in memory into one FLOE message.
 *
 * @param key 32 bytes; read only, not kept
 * @param aad associated data; read only
 * @param plaintext any length; read only
 * @returns header and segments, which the caller owns
 * @throws TypeError, RangeError for a wrong argument
 */
export function encrypt(key: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, params: FloeParams): Uint8Array {
  requireBytes('plaintext', plaintext);
  const message = new Uint8Array(floeSize(plaintext.length, params));
  const segments = floeSegmentCount(plaintext.length, params);
  const full = params.segmentLength - SEGMENT_OVERHEAD;
  const { state, header } = startEncryption(key, aad, params);
  try {
    message.set(header);
    let offset = HEADER_LENGTH;
    for (let position = 0; position < segments; position++) {
      const piece = plaintext.subarray(position * full, (position + 1) * full);
      const { prefix, ciphertext, tag } = encryptSegmentParts(state, piece, position, position === segments - 1);
      message.set(prefix, offset);
      message.set(ciphertext, offset + SEGMENT_PREFIX_LENGTH);
      message.set(tag, offset + SEGMENT_PREFIX_LENGTH + ciphertext.length);
      offset += SEGMENT_OVERHEAD + ciphertext.length;
    }
  } finally {
    state.close();
  }
  return message;
}

/**
 * Decrypts a FLOE message in memory. Nothing comes out unless all of it is authentic.
 *
 * @param key 32 bytes; read only
 * @param aad associated data of the message; read only
 * @param ciphertext header and segments, nothing after them; read only
 * @returns the plaintext, which the caller owns
 * @throws WaxsealError `ERR_AUTHENTICATION`, `ERR_MALFORMED`, `ERR_TRUNCATED`, `ERR_TRAILING_DATA` as `decryptStream`;
 * TypeError, RangeError for a wrong argument
 */
export function decrypt(key: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array, params: FloeParams): Uint8Array {
  requireBytes('ciphertext', ciphertext);
  const decryptor = new MessageDecryptor(key, aad, params);
  const plaintext = new Uint8Array(mostPlaintext(ciphertext.length - HEADER_LENGTH, resolveParams(params)));
  try {
    let offset = 0;
    for (const piece of decryptor.push(ciphertext)) {
      plaintext.set(piece, offset);
      offset += piece.length;
    }
    plaintext.set(decryptor.end(), offset);
    return plaintext;
  } finally {
    decryptor.close();
  }
}

/** Bytes of plaintext in a body of that length: exact for a whole message, enough for one that will be refused. */
function mostPlaintext(bodyLength: number, { segmentLength }: FloeParams): number {
  if (bodyLength <= 0) return 0;
  const internal = Math.floor(bodyLength / segmentLength);
  const rest = bodyLength - internal * segmentLength;
  return internal * (segmentLength - SEGMENT_OVERHEAD) + Math.max(0, rest - SEGMENT_OVERHEAD);
}
