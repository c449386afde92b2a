import { createCipheriv, createDecipheriv } from 'node:crypto';
import {
  type CborMap,
  type CborValue,
  concat,
  decodeCanonicalCborFirst,
  encodeCbor,
  isZero,
} from '../../bytes/index.ts';
import { expandLabel } from '../../crypto/hkdf.ts';
import { randomPublic, zero } from '../../crypto/secrets.ts';
import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { MAX_META } from './limits.ts';

/** Private facts about the object, encrypted in its head (SPEC section "Meta"). Only ever displayed. */
export interface PrivateMetadata {
  /** A name for people, such as that of the file. */
  readonly name?: string | undefined;
  /** RFC 6838 media type. */
  readonly mediaType?: string | undefined;
}

const NONCE = 12;
const TAG = 16;
const BLOCK = 64;

/**
 * Seals metadata under a key of its own. Padded, so that the length of a name is not told.
 *
 * @throws RangeError over the limit of 4 KiB
 */
export function sealMeta(metadata: PrivateMetadata, dataKey: Uint8Array, bind: Uint8Array): Uint8Array {
  // What would not be stored would be missed years later.
  refuseUnknownOptions('private metadata', metadata, ['name', 'mediaType']);
  for (const text of [metadata.name, metadata.mediaType]) {
    if (text?.isWellFormed() === false) throw new TypeError('the private metadata is not valid Unicode');
  }
  const map = new Map<number, CborValue>();
  if (metadata.name !== undefined) map.set(1, metadata.name);
  if (metadata.mediaType !== undefined) map.set(2, metadata.mediaType);
  const encoded = encodeCbor(map);
  const padded = new Uint8Array(Math.ceil(encoded.length / BLOCK) * BLOCK);
  padded.set(encoded);
  if (NONCE + padded.length + TAG > MAX_META) throw new RangeError('the private metadata is over 4 KiB');
  const key = expandLabel(dataKey, 'waxseal/1 meta', [bind], 32);
  const nonce = randomPublic(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG });
  zero(key);
  cipher.setAAD(bind);
  const ciphertext = cipher.update(padded);
  cipher.final();
  return concat(nonce, ciphertext, cipher.getAuthTag());
}

/** How long `sealMeta` makes it. */
export function sealedMetaLength(metadata: PrivateMetadata | undefined): number {
  if (metadata === undefined) return 0;
  const zeros = new Uint8Array(new ArrayBuffer(32));
  return sealMeta(metadata, zeros, zeros).length;
}

/**
 * Opens metadata, after the FLOE header tag has verified.
 *
 * @throws WaxsealError `ERR_AUTHENTICATION`, `ERR_MALFORMED`
 */
export function openMeta(meta: Uint8Array, dataKey: Uint8Array, bind: Uint8Array, name: string): PrivateMetadata {
  const body = meta.length - NONCE - TAG;
  if (body < BLOCK || body % BLOCK !== 0) {
    throw new WaxsealError('ERR_MALFORMED', `the private metadata of ${name} has an impossible length`, {
      object: name,
    });
  }
  const key = expandLabel(dataKey, 'waxseal/1 meta', [bind], 32);
  const decipher = createDecipheriv('aes-256-gcm', key, meta.subarray(0, NONCE), { authTagLength: TAG });
  zero(key);
  decipher.setAAD(bind);
  decipher.setAuthTag(meta.subarray(meta.length - TAG));
  const padded = decipher.update(meta.subarray(NONCE, meta.length - TAG));
  try {
    decipher.final();
  } catch (cause) {
    zero(padded);
    throw new WaxsealError('ERR_AUTHENTICATION', `the private metadata of ${name} does not authenticate`, {
      object: name,
      cause,
    });
  }
  return decodeMetadata(padded, name);
}

function decodeMetadata(padded: Uint8Array, name: string): PrivateMetadata {
  const { value: map, rest } = decodeCanonicalCborFirst(padded, `the private metadata of ${name}`);
  if (!(map instanceof Map) || rest.length >= BLOCK || !isZero(rest)) throw malformed(name);
  const text = (key: number): string | undefined => {
    const value = (map as CborMap).get(key);
    if (value !== undefined && typeof value !== 'string') throw malformed(name);
    return value;
  };
  for (const key of (map as CborMap).keys()) {
    if (typeof key !== 'number' || key === 0 || (key > 2 && key < 24)) throw malformed(name);
  }
  return { name: text(1), mediaType: text(2) };
}

function malformed(name: string): WaxsealError {
  return new WaxsealError('ERR_MALFORMED', `the private metadata of ${name} is malformed`, { object: name });
}
