import { createHmac } from 'node:crypto';
import { ascii, concat } from '../../bytes/index.ts';
import { allocateSecret, zero } from '../secrets.ts';

const HASH_LENGTH = 32;
/** No salt and no input, where the RFC writes "". */
export const NOTHING = new Uint8Array();
const VERSION_LABEL = ascii('HPKE-v1');

/** The labelled HKDF-SHA256 of RFC 9180 section 4, for one suite id. Results belong to the caller, who zeroes them. */
export interface LabeledKdf {
  /** `LabeledExtract(salt, label, ikm)`: 32 bytes. */
  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array<ArrayBuffer>;
  /** `LabeledExpand(prk, label, info, L)`, up to the 32 bytes of one block. */
  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array<ArrayBuffer>;
}

/** The suite id is `KEM ‖ id` in the KEM, and `HPKE ‖ ids` everywhere else. */
export function labeledKdf(suiteId: Uint8Array): LabeledKdf {
  return {
    extract: (salt, label, ikm) => hmac(salt, [VERSION_LABEL, suiteId, ascii(label), ikm], HASH_LENGTH),
    expand(prk, label, info, length) {
      if (!Number.isInteger(length) || length < 1 || length > HASH_LENGTH) throw new RangeError('expand gives 1 to 32');
      const lengthAndLabel = concat(Uint8Array.of(0, length), VERSION_LABEL, suiteId, ascii(label));
      // RFC 5869 section 2.3, first block: T(1) = HMAC(PRK, info ‖ 01).
      return hmac(prk, [lengthAndLabel, info, Uint8Array.of(1)], length);
    },
  };
}

/**
 * HMAC-SHA-256. By `createHmac`, which keeps the inner hash to itself: with no salt the key is public, and whoever saw
 * that hash could compute the result.
 */
function hmac(key: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  const block = mac.digest();
  const out = allocateSecret(length);
  out.set(block.subarray(0, length));
  zero(block);
  return out;
}
