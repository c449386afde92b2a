import { cborLength, type CborMap, type CborValue, decodeCanonicalCbor, encodeCbor } from '../../bytes/index.ts';
import { MAX_SEGMENTS, SEGMENT_OVERHEAD } from '../../crypto/floe/params.ts';
import { hashLabel } from '../../crypto/hash.ts';
import { WaxsealError } from '../../errors/index.ts';
import {
  FORMAT_VERSION,
  ID_LENGTH,
  MAX_CONTEXT,
  MAX_CORE,
  MAX_SECONDS,
  MAX_SEGMENT,
  MIN_SEGMENT,
  OBJECT_TYPE,
  SUITE_FLOE_AES256GCM_SHA384,
} from './limits.ts';

/** The public, immutable, bound part of a head (SPEC section "Core"). */
export interface Core {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  readonly type: number;
  /** Length of an encrypted segment, in bytes. */
  readonly segmentLength: number;
  readonly context: Readonly<Record<string, string>>;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** Plaintext bytes, when known at seal. */
  readonly size?: number | undefined;
  readonly tree?: { readonly treeId: Uint8Array; readonly seq: number } | undefined;
}

/** First key that a reader may carry without knowing it. */
const FIRST_OPTIONAL_KEY = 24;

/**
 * Encodes a core.
 *
 * @throws RangeError when the context or the whole is over its limit
 */
export function encodeCore(core: Core): Uint8Array {
  const context = new Map(Object.entries(core.context));
  const map = new Map<number, CborValue>([
    [1, FORMAT_VERSION],
    [2, core.id],
    [3, core.type],
    [4, SUITE_FLOE_AES256GCM_SHA384],
    [5, core.segmentLength],
    [6, context],
    [7, core.created],
  ]);
  if (core.size !== undefined) map.set(8, core.size);
  if (core.tree !== undefined) {
    map.set(
      9,
      new Map<number, CborValue>([
        [1, core.tree.treeId],
        [2, core.tree.seq],
      ]),
    );
  }
  const bytes = encodeCbor(map);
  if (cborLength(context) > MAX_CONTEXT) {
    throw new RangeError(`the encryption context is over ${String(MAX_CONTEXT)} bytes`);
  }
  if (core.size !== undefined && core.size > maxSize(core.segmentLength)) {
    throw new RangeError('the plaintext needs more than 2^40 segments');
  }
  if (bytes.length > MAX_CORE) throw new RangeError(`the core is over ${String(MAX_CORE)} bytes`);
  return bytes;
}

/** `bind` (SPEC section "Core"): identifies the object everywhere. 32 bytes. */
export function bindOf(core: Uint8Array): Uint8Array {
  return hashLabel('waxseal/1 bind', core);
}

/**
 * Decodes and checks a core.
 *
 * @throws WaxsealError `ERR_MALFORMED`, `ERR_UNSUPPORTED_VERSION`, `ERR_LIMIT_EXCEEDED`
 */
export function decodeCore(bytes: Uint8Array, name: string): Core {
  const map = decodeCanonicalCbor(bytes, `the core of ${name}`);
  if (!(map instanceof Map)) throw malformed(name, 'the core is not a map');
  for (const key of (map as CborMap).keys()) {
    if (typeof key !== 'number') throw malformed(name, 'a key of the core is not an unsigned integer');
    if (key === 0 || (key > 9 && key < FIRST_OPTIONAL_KEY)) {
      throw new WaxsealError(
        'ERR_UNSUPPORTED_VERSION',
        `the core of ${name} has the field ${String(key)}, which this waxseal must know and does not`,
        { object: name },
      );
    }
  }
  const field = (key: number): CborValue | undefined => (map as CborMap).get(key);
  if (field(1) !== FORMAT_VERSION) {
    throw new WaxsealError('ERR_UNSUPPORTED_VERSION', `the core of ${name} is of an unknown version`, { object: name });
  }
  if (field(4) !== SUITE_FLOE_AES256GCM_SHA384) {
    throw new WaxsealError('ERR_UNSUPPORTED_VERSION', `${name} uses an unknown payload suite`, { object: name });
  }
  const type = field(3);
  if (type !== OBJECT_TYPE.data && type !== OBJECT_TYPE.treeRoot && type !== OBJECT_TYPE.secrets) {
    throw new WaxsealError('ERR_UNSUPPORTED_VERSION', `${name} is of an unknown type`, { object: name });
  }
  const segmentLength = unsigned(field(5), name, 'segment length');
  if (segmentLength < MIN_SEGMENT || segmentLength > MAX_SEGMENT) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `the segment length of ${name} is outside 4 KiB to 4 MiB`, {
      object: name,
    });
  }
  const created = unsigned(field(7), name, 'creation time');
  if (created > MAX_SECONDS) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `the creation time of ${name} is after the year 9999`, {
      object: name,
    });
  }
  const size = field(8) === undefined ? undefined : unsigned(field(8), name, 'size');
  if (size !== undefined && size > maxSize(segmentLength)) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `the size of ${name} needs more than 2^40 segments`, { object: name });
  }
  return {
    id: byteString(field(2), ID_LENGTH, name, 'id'),
    type,
    segmentLength,
    context: decodeContext(field(6), name),
    created,
    size,
    tree: decodeTree(field(9), type, name),
  };
}

/** What 2^40 segments hold (FLOE.md, AEAD_MAX_SEGMENTS): no reader is ever led past the last position. */
function maxSize(segmentLength: number): number {
  return MAX_SEGMENTS * (segmentLength - SEGMENT_OVERHEAD);
}

function decodeContext(value: CborValue | undefined, name: string): Record<string, string> {
  if (!(value instanceof Map)) throw malformed(name, 'the encryption context is not a map');
  const entries: [string, string][] = [];
  for (const [key, text] of value as CborMap) {
    if (typeof key !== 'string' || typeof text !== 'string') {
      throw malformed(name, 'the encryption context holds something else than text');
    }
    entries.push([key, text]);
  }
  if (cborLength(value as CborMap) > MAX_CONTEXT) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `the encryption context of ${name} is over 4 KiB`, { object: name });
  }
  return Object.fromEntries(entries);
}

function decodeTree(value: CborValue | undefined, type: number, name: string): Core['tree'] {
  if (value === undefined) {
    if (type === OBJECT_TYPE.treeRoot) throw malformed(name, 'a tree root has no tree id');
    return undefined;
  }
  if (!(value instanceof Map) || type !== OBJECT_TYPE.treeRoot || (value as CborMap).size !== 2) {
    throw malformed(name, 'the tree field is not what a tree root has');
  }
  return {
    treeId: byteString((value as CborMap).get(1), ID_LENGTH, name, 'tree id'),
    seq: unsigned((value as CborMap).get(2), name, 'tree sequence number'),
  };
}

function unsigned(value: CborValue | undefined, name: string, what: string): number {
  if (typeof value === 'bigint') {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `the ${what} of ${name} is over 2^53`, { object: name });
  }
  if (typeof value !== 'number') throw malformed(name, `the ${what} is not an unsigned integer`);
  return value;
}

function byteString(value: CborValue | undefined, length: number, name: string, what: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw malformed(name, `the ${what} is not ${String(length)} bytes`);
  }
  return value;
}

function malformed(name: string, why: string): WaxsealError {
  return new WaxsealError('ERR_MALFORMED', `the head of ${name} is malformed: ${why}`, { object: name });
}
