import { decodeFirst, Tokenizer, Type } from 'cborg';
import { WaxsealError } from '../errors/index.ts';
import { equalBytes } from './bytes.ts';
import { type CborValue, encodeCbor } from './encode-cbor.ts';

const STRICT = {
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: true,
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
} as const;

/** U+FEFF in UTF-8 begins with it. */
const BOM_BEGINS = 0xef;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Text exactly as it was written. cborg's own decoder drops a leading U+FEFF (text files of Windows begin with one), so
 * that an object sealed with such a text would be taken for malformed and never open again.
 */
class ExactText extends Tokenizer {
  override next(): ReturnType<Tokenizer['next']> {
    const token = super.next();
    // Every other text that cborg gets wrong is found when it is encoded again.
    if (Type.equals(token.type, Type.string) && token.byteValue?.[0] === BOM_BEGINS)
      token.value = UTF8.decode(token.byteValue);
    return token;
  }
}

/**
 * Decodes deterministic CBOR and nothing else: the value is encoded again and compared byte for byte, because a
 * decoder's own strict mode lets unsorted maps, floats and bad UTF-8 pass. Map keys are unsigned integers or text.
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
  let value: CborValue;
  let rest: Uint8Array;
  let again: Uint8Array;
  try {
    // A plain view: slices of a Buffer would be Buffers, and no copies.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const tokenizer = new ExactText(plain, STRICT);
    const [decoded, remainder] = decodeFirst(plain, { ...STRICT, tokenizer }) as [unknown, Uint8Array];
    assertPlain(decoded, 0);
    value = decoded as CborValue;
    rest = remainder;
    again = encodeCbor(value);
  } catch (cause) {
    throw new WaxsealError('ERR_MALFORMED', `${what} is not valid CBOR`, { cause });
  }
  if (!equalBytes(again, bytes.subarray(0, bytes.length - rest.length))) {
    throw new WaxsealError('ERR_MALFORMED', `${what} is not in the canonical CBOR encoding`);
  }
  return { value, rest };
}

const MAX_DEPTH = 8;

function assertPlain(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply');
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0))
      throw new RangeError('not an unsigned integer');
    return;
  }
  if (typeof value === 'bigint') {
    if (value < 0n) throw new RangeError('not an unsigned integer');
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) assertPlain(item, depth + 1);
    return;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      if (typeof key !== 'string' && (typeof key !== 'number' || !Number.isSafeInteger(key) || key < 0)) {
        throw new RangeError('a map key is neither text nor an unsigned integer');
      }
      assertPlain(item, depth + 1);
    }
    return;
  }
  throw new TypeError('a type that the format does not use');
}
