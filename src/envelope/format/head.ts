import { ascii, concat, equalBytes, isZero } from '../../bytes/index.ts';
import { ENCODED_PARAMS_LENGTH, encodeParams } from '../../crypto/floe/kdf.ts';
import { resolveParams } from '../../crypto/floe/params.ts';
import { hashLabel, sha256 } from '../../crypto/hash.ts';
import { WaxsealError } from '../../errors/index.ts';
import { bindOf, type Core, decodeCore } from './core.ts';
import { type AttachedGeometry, attachedGeometry, type BlockGeometry, geometryOf } from './geometry.ts';
import { FLOE_HEADER_LENGTH, HASH_LENGTH, PRELUDE_LENGTH } from './limits.ts';
import { decodePrelude, encodePrelude, type Prelude } from './prelude.ts';
import { encodeBlock } from './recipient-block.ts';

interface DecodedHead extends HeadParts {
  readonly prelude: Prelude;
  readonly core: Core;
  /** Whether the padding is zero, as every writer leaves it. */
  readonly cleanPadding: boolean;
  /** The whole region, as long as `geometry.headLength`. */
  readonly bytes: Uint8Array;
}

/** A head of the layout that is rewritten in place. */
export interface AttachedHead extends DecodedHead {
  readonly geometry: AttachedGeometry;
}

/** A head of the layouts that are replaced whole. */
export interface BlockHead extends DecodedHead {
  readonly geometry: BlockGeometry;
}

/** A head (SPEC section "Head"), whose hash has been checked but which nothing has authenticated yet. */
export type Head = AttachedHead | BlockHead;

export function isAttached(head: Head): head is AttachedHead {
  return head.geometry.layout === 'attached';
}

const OBJECT_LABEL = concat(ascii('waxseal/1 object'), Uint8Array.of(0));
/** The same for every object without private metadata. */
const NO_META = sha256(new Uint8Array(0));

/** FLOE AAD of an object: "waxseal/1 object" ‖ 00 ‖ bind ‖ SHA-256(meta). */
export function objectAad(bind: Uint8Array, meta: Uint8Array): Uint8Array {
  return concat(OBJECT_LABEL, bind, meta.length === 0 ? NO_META : sha256(meta));
}

function headHash(prelude: Uint8Array, core: Uint8Array, meta: Uint8Array, floeHeader: Uint8Array): Uint8Array {
  return hashLabel('waxseal/1 head', prelude, core, meta, floeHeader);
}

/** What a head is made of, whatever the layout. */
export interface HeadParts {
  /** Encoded. */
  readonly coreBytes: Uint8Array;
  /** Encrypted; empty when there is none. */
  readonly meta: Uint8Array;
  /** 74 bytes. */
  readonly floeHeader: Uint8Array;
  readonly bind: Uint8Array;
}

/** A head region of an attached object. */
export function encodeAttachedHead({ coreBytes, meta, floeHeader }: HeadParts, slotSize: number): Uint8Array {
  const fields = { coreLength: coreBytes.length, metaLength: meta.length, recipientsSize: slotSize };
  const prelude = encodePrelude({ ...fields, layout: 'attached' });
  const out = new Uint8Array(attachedGeometry(fields).headLength);
  out.set(concat(prelude, headHash(prelude, coreBytes, meta, floeHeader), coreBytes, meta));
  out.set(floeHeader, out.length - FLOE_HEADER_LENGTH);
  return out;
}

/** Everything before the segments of a compact object, or the whole header of a detached one. */
export function encodeBlockHead(
  { coreBytes, meta, floeHeader, bind }: HeadParts,
  layout: 'compact' | 'detached',
  list: Uint8Array,
  name: string,
): Uint8Array {
  const block = encodeBlock(list, bind, name);
  const lengths = { coreLength: coreBytes.length, metaLength: meta.length, recipientsSize: list.length };
  const prelude = encodePrelude({ ...lengths, layout });
  return layout === 'compact'
    ? concat(prelude, coreBytes, meta, block, floeHeader)
    : concat(prelude, headHash(prelude, coreBytes, meta, floeHeader), coreBytes, meta, floeHeader, block);
}

/**
 * Parses the head that begins `bytes`.
 *
 * @param bytes at least `headLength` of its geometry, or all there is
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_UNSUPPORTED_VERSION`, `ERR_LIMIT_EXCEEDED`, `ERR_TRUNCATED`,
 * `ERR_HEADER_DAMAGED` (the hash does not match), `ERR_MALFORMED`
 */
export function decodeHead(bytes: Uint8Array, name: string): Head {
  const prelude = decodePrelude(bytes, name);
  const geometry = geometryOf(prelude);
  if (bytes.length < geometry.headLength) {
    throw new WaxsealError('ERR_TRUNCATED', `${name} ends inside its head`, { object: name });
  }
  const region = new Uint8Array(bytes.subarray(0, geometry.headLength));
  // A compact head has no hash: its recipients are bound to the core, and the header tag to all of it.
  const coreStart = PRELUDE_LENGTH + (geometry.layout === 'compact' ? 0 : HASH_LENGTH);
  const metaStart = coreStart + prelude.coreLength;
  const metaEnd = metaStart + prelude.metaLength;
  const coreBytes = region.subarray(coreStart, metaStart);
  const meta = region.subarray(metaStart, metaEnd);
  const floeHeader = region.subarray(region.length - FLOE_HEADER_LENGTH);
  if (geometry.layout !== 'compact') {
    const expected = headHash(region.subarray(0, PRELUDE_LENGTH), coreBytes, meta, floeHeader);
    if (!equalBytes(expected, region.subarray(PRELUDE_LENGTH, coreStart))) {
      throw new WaxsealError('ERR_HEADER_DAMAGED', `the head of ${name} is damaged`, { object: name });
    }
  }
  const core = decodeCore(coreBytes, name);
  const params = encodeParams(resolveParams({ segmentLength: core.segmentLength }));
  if (!equalBytes(floeHeader.subarray(0, ENCODED_PARAMS_LENGTH), params)) {
    throw new WaxsealError('ERR_MALFORMED', `the FLOE header of ${name} has other parameters than its core`, {
      object: name,
    });
  }
  const decoded = {
    prelude,
    core,
    coreBytes,
    bind: bindOf(coreBytes),
    meta,
    floeHeader,
    cleanPadding:
      geometry.layout !== 'attached' || isZero(region.subarray(metaEnd, region.length - FLOE_HEADER_LENGTH)),
    bytes: region,
  };
  return geometry.layout === 'attached' ? { ...decoded, geometry } : { ...decoded, geometry };
}
