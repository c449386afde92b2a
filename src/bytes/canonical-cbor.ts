import { WaxsealError } from '../errors/index.ts';
import { decodeCbor } from './decode-cbor.ts';
import type { CborValue } from './encode-cbor.ts';

/**
 * Decodes deterministic CBOR (SPEC section "Notation") and nothing else.
 *
 * @throws WaxsealError `ERR_MALFORMED` when the bytes are not the canonical encoding of one value
 */
export function decodeCanonicalCbor(bytes: Uint8Array, what: string): CborValue {
  const { value, rest } = decodeCanonicalCborFirst(bytes, what);
  if (rest.length > 0) throw new WaxsealError('ERR_MALFORMED', `${what} has bytes after its end`);
  return value;
}

/** As {@link decodeCanonicalCbor}, for a value that other bytes follow. */
export function decodeCanonicalCborFirst(bytes: Uint8Array, what: string): { value: CborValue; rest: Uint8Array } {
  try {
    const { value, end } = decodeCbor(bytes);
    // A plain view, of a Buffer too: a slice of a Buffer would be one, and its `slice` no copy.
    return { value, rest: new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.byteLength - end) };
  } catch (cause) {
    throw new WaxsealError('ERR_MALFORMED', `${what} is not canonical CBOR`, { cause });
  }
}
