import { ascii, concat } from '../../bytes/index.ts';
import { zero } from '../secrets.ts';
import { KEM_ID } from './dhkem.ts';
import { labeledKdf, NOTHING } from './labeled-kdf.ts';

/** HKDF-SHA256 (RFC 9180 section 7.2). */
const KDF_ID = 0x0001;
/** AES-256-GCM (RFC 9180 section 7.3). */
const AEAD_ID = 0x0002;
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const MODE_BASE = 0;

const ids = [KEM_ID, KDF_ID, AEAD_ID].flatMap((id) => [id >> 8, id & 0xff]);
const kdf = labeledKdf(concat(ascii('HPKE'), Uint8Array.from(ids)));

/** Key and nonce of the first and only message. */
export interface MessageKey {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
}

/** `KeySchedule` of RFC 9180 section 5.1 in base mode, for sequence number 0. The caller zeroes both values. */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): MessageKey {
  const pskIdHash = kdf.extract(NOTHING, 'psk_id_hash', NOTHING);
  const infoHash = kdf.extract(NOTHING, 'info_hash', info);
  const context = concat(Uint8Array.of(MODE_BASE), pskIdHash, infoHash);
  const secret = kdf.extract(sharedSecret, 'secret', NOTHING);
  try {
    const key = kdf.expand(secret, 'key', context, KEY_LENGTH);
    return { key, nonce: kdf.expand(secret, 'base_nonce', context, NONCE_LENGTH) };
  } finally {
    zero(pskIdHash, infoHash, secret);
  }
}
