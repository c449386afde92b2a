import { ascii, concat } from '../../bytes/index.ts';
import { zero } from '../secrets.ts';
import { labeledKdf, NOTHING } from './labeled-kdf.ts';
import { x25519, x25519PublicKey } from './x25519.ts';

/** DHKEM(X25519, HKDF-SHA256), RFC 9180 section 7.1. */
export const KEM_ID = 0x0020;
/** Bytes of an encapsulated key. */
export const ENC_LENGTH = 32;
const SECRET_LENGTH = 32;

const kdf = labeledKdf(concat(ascii('KEM'), Uint8Array.of(KEM_ID >> 8, KEM_ID & 0xff)));

/** What a sender sends, and what both know. The caller zeroes `sharedSecret`. */
export interface Encapsulated {
  readonly enc: Uint8Array<ArrayBuffer>;
  readonly sharedSecret: Uint8Array<ArrayBuffer>;
}

/**
 * `Encap` of RFC 9180 section 4.1.
 *
 * @param ephemeral private key of 32 bytes that is used for this one encapsulation; read only
 * @returns undefined for a public key of small order
 */
export function encapsulate(publicKey: Uint8Array, ephemeral: Uint8Array): Encapsulated | undefined {
  const enc = x25519PublicKey(ephemeral);
  const sharedSecret = agree(ephemeral, publicKey, enc, publicKey);
  return sharedSecret === undefined ? undefined : { enc, sharedSecret };
}

/** `Decap` of RFC 9180 section 4.1; undefined for an encapsulated key of small order. The caller zeroes the result. */
export function decapsulate(enc: Uint8Array, privateKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  return agree(privateKey, enc, enc, x25519PublicKey(privateKey));
}

/** `ExtractAndExpand` of the Diffie-Hellman value over `enc ‖ pkR`. */
function agree(
  privateKey: Uint8Array,
  peer: Uint8Array,
  enc: Uint8Array,
  recipient: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const dh = x25519(privateKey, peer);
  if (dh === undefined) return undefined;
  const prk = kdf.extract(NOTHING, 'eae_prk', dh);
  try {
    return kdf.expand(prk, 'shared_secret', concat(enc, recipient), SECRET_LENGTH);
  } finally {
    zero(dh, prk);
  }
}
