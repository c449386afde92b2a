import { ascii, concat, equalBytes, isZero } from '../../bytes/index.ts';
import { ENCODED_PARAMS_LENGTH, encodeParams } from '../../crypto/floe/kdf.ts';
import { resolveParams } from '../../crypto/floe/params.ts';
import { hashLabel, sha256 } from '../../crypto/hash.ts';
import { WaxsealError } from '../../errors/index.ts';
import { bindOf, type Core, decodeCore } from './core.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { FLOE_HEADER_LENGTH, HASH_LENGTH, LAYOUT, PRELUDE_LENGTH } from './limits.ts';
import { decodePrelude, encodePrelude, type Prelude } from './prelude.ts';

/** A head (SPEC section "Head"), whose hash has been checked but which nothing has authenticated yet. */
export interface Head {
  readonly prelude: Prelude;
  readonly geometry: Geometry;
  readonly core: Core;
  readonly bind: Uint8Array;
  readonly meta: Uint8Array;
  /** 74 bytes. */
  readonly floeHeader: Uint8Array;
  /** Whether the padding is zero, as every writer leaves it. */
  readonly cleanPadding: boolean;
  /** The whole region, as long as `geometry.headLength`. */
  readonly bytes: Uint8Array;
}

/** FLOE AAD of an object: "waxseal/1 object" ‖ 00 ‖ bind ‖ SHA-256(meta). */
export function objectAad(bind: Uint8Array, meta: Uint8Array): Uint8Array {
  return concat(ascii('waxseal/1 object'), Uint8Array.of(0), bind, sha256(meta));
}

function headHash(prelude: Uint8Array, core: Uint8Array, meta: Uint8Array, floeHeader: Uint8Array): Uint8Array {
  return hashLabel('waxseal/1 head', prelude, core, meta, floeHeader);
}

/** A head region of an attached object. */
export function encodeHead(core: Uint8Array, meta: Uint8Array, slotSize: number, floeHeader: Uint8Array): Uint8Array {
  const fields = {
    layout: LAYOUT.attached,
    coreLength: core.length,
    metaLength: meta.length,
    recipientsSize: slotSize,
  };
  const prelude = encodePrelude(fields);
  const out = new Uint8Array(geometryOf(fields).headLength);
  out.set(prelude);
  out.set(headHash(prelude, core, meta, floeHeader), PRELUDE_LENGTH);
  out.set(core, PRELUDE_LENGTH + HASH_LENGTH);
  out.set(meta, PRELUDE_LENGTH + HASH_LENGTH + core.length);
  out.set(floeHeader, out.length - FLOE_HEADER_LENGTH);
  return out;
}

/**
 * Parses the head region that begins `bytes`.
 *
 * @param bytes at least the region, or all there is
 * @throws WaxsealError `ERR_NOT_SEALED`, `ERR_UNSUPPORTED_VERSION`, `ERR_LIMIT_EXCEEDED`, `ERR_TRUNCATED`,
 * `ERR_HEADER_DAMAGED` (the hash does not match), `ERR_MALFORMED`
 */
export function decodeHead(bytes: Uint8Array, name: string): Head {
  const prelude = decodePrelude(bytes, name);
  const geometry = geometryOf(prelude);
  if (bytes.length < geometry.headLength) {
    throw new WaxsealError('ERR_TRUNCATED', `${name} ends inside its head`, { object: name });
  }
  const region = bytes.slice(0, geometry.headLength);
  const coreStart = PRELUDE_LENGTH + HASH_LENGTH;
  const metaStart = coreStart + prelude.coreLength;
  const metaEnd = metaStart + prelude.metaLength;
  const core = region.subarray(coreStart, metaStart);
  const meta = region.subarray(metaStart, metaEnd);
  const floeHeader = region.subarray(region.length - FLOE_HEADER_LENGTH);
  const expected = headHash(region.subarray(0, PRELUDE_LENGTH), core, meta, floeHeader);
  if (!equalBytes(expected, region.subarray(PRELUDE_LENGTH, coreStart))) {
    throw new WaxsealError('ERR_HEADER_DAMAGED', `the head of ${name} is damaged`, { object: name });
  }
  const decoded = decodeCore(core, name);
  const params = encodeParams(resolveParams({ segmentLength: decoded.segmentLength }));
  if (!equalBytes(floeHeader.subarray(0, ENCODED_PARAMS_LENGTH), params)) {
    throw new WaxsealError('ERR_MALFORMED', `the FLOE header of ${name} has other parameters than its core`, {
      object: name,
    });
  }
  return {
    prelude,
    geometry,
    core: decoded,
    bind: bindOf(core),
    meta,
    floeHeader,
    cleanPadding: isZero(region.subarray(metaEnd, region.length - FLOE_HEADER_LENGTH)),
    bytes: region,
  };
}
