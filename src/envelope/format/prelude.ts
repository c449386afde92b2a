import { equalBytes, isZero, readU32, writeU32 } from '../../bytes/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import { type Layout, layoutOf } from './layout.ts';
import { FORMAT_VERSION, LAYOUT, MAX_CORE, MAX_LIST, MAX_META, MAX_SLOT, PAGE, PRELUDE_LENGTH } from './limits.ts';

/** `89 W A X 0D 0A 1A 0A`: not text, and damaged visibly by every newline conversion (as PNG's). */
const MAGIC = Uint8Array.of(0x89, 0x57, 0x41, 0x58, 0x0d, 0x0a, 0x1a, 0x0a);

/** The first 32 bytes of a head (SPEC section "Head"). */
export interface Prelude {
  readonly layout: Layout;
  readonly coreLength: number;
  readonly metaLength: number;
  /** Slot size (attached) or length of the recipient list (compact, detached), in bytes. */
  readonly recipientsSize: number;
}

export function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
}

export function encodePrelude(prelude: Prelude): Uint8Array {
  const out = new Uint8Array(PRELUDE_LENGTH);
  out.set(MAGIC);
  out[8] = FORMAT_VERSION;
  out[9] = LAYOUT[prelude.layout];
  writeU32(out, 12, prelude.coreLength);
  writeU32(out, 16, prelude.metaLength);
  writeU32(out, 20, prelude.recipientsSize);
  return out;
}

/**
 * Parses and bounds a prelude, in the order of SPEC section "Validation order".
 *
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_TRUNCATED`, `ERR_UNSUPPORTED_VERSION`, `ERR_MALFORMED`,
 * `ERR_LIMIT_EXCEEDED`
 */
export function decodePrelude(bytes: Uint8Array, name: string): Prelude {
  if (!hasMagic(bytes)) {
    throw new WaxsealError('ERR_NOT_SEALED', `${name} is not a sealed object`, { object: name });
  }
  if (bytes.length < PRELUDE_LENGTH) {
    throw new WaxsealError('ERR_TRUNCATED', `${name} ends inside its head`, { object: name });
  }
  const version = bytes[8];
  if (version !== FORMAT_VERSION) {
    throw new WaxsealError(
      'ERR_UNSUPPORTED_VERSION',
      `${name} says it is format version ${String(version)}; this waxseal knows version ${String(FORMAT_VERSION)}`,
      { object: name },
    );
  }
  const layout = layoutOf(bytes[9]);
  if (layout === undefined) {
    throw new WaxsealError('ERR_UNSUPPORTED_VERSION', `${name} has the unknown layout ${String(bytes[9])}`, {
      object: name,
    });
  }
  if (!isZero(bytes.subarray(10, 12)) || !isZero(bytes.subarray(24, 32))) {
    throw new WaxsealError('ERR_MALFORMED', `reserved bytes in the head of ${name} are not zero`, { object: name });
  }
  const coreLength = readU32(bytes, 12);
  const metaLength = readU32(bytes, 16);
  const recipientsSize = readU32(bytes, 20);
  if (coreLength < 1 || coreLength > MAX_CORE || metaLength > MAX_META || !fits(layout, recipientsSize)) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `a length in the head of ${name} is over its limit`, { object: name });
  }
  return { layout, coreLength, metaLength, recipientsSize };
}

function fits(layout: Layout, recipientsSize: number): boolean {
  return layout === 'attached'
    ? recipientsSize >= PAGE && recipientsSize <= MAX_SLOT && recipientsSize % PAGE === 0
    : recipientsSize >= 1 && recipientsSize <= MAX_LIST;
}
