import { concat, equalBytes } from '../../bytes/index.ts';
import { equalSecrets, zero } from '../secrets.ts';
import { requireBytes, requireKey } from './inputs.ts';
import { ENCODED_PARAMS_LENGTH, encodeParams, floeKdf, HEADER_TAG, type MessageContext } from './kdf.ts';
import { FLOE_IV_LENGTH, type FloeParams, HEADER_LENGTH, type ResolvedParams, resolveParams } from './params.ts';
import { malformed } from './refusals.ts';
import type { Message } from './state.ts';

const TAG_OFFSET = ENCODED_PARAMS_LENGTH + FLOE_IV_LENGTH;
const HEADER_TAG_LENGTH = HEADER_LENGTH - TAG_OFFSET;

/**
 * Makes the header that proves key, parameters and associated data.
 *
 * @param aad kept by the message: nobody may change it afterwards
 * @param iv 32 fresh random bytes; kept by the message
 */
export function createHeader(
  key: Uint8Array,
  aad: Uint8Array,
  params: ResolvedParams,
  iv: Uint8Array,
): { readonly message: Message; readonly header: Uint8Array } {
  const context = { encodedParams: encodeParams(params), iv, aad };
  const tag = floeKdf(key, context, HEADER_TAG, HEADER_TAG_LENGTH);
  const header = concat(context.encodedParams, context.iv, tag);
  zero(tag);
  return { message: { params, context }, header };
}

/**
 * Takes a header apart: the length, then the parameters, which must be the ones demanded. Never the header's own, or
 * whoever can write the object chooses the algorithm.
 *
 * @throws WaxsealError `ERR_MALFORMED`
 */
function parseHeader(header: Uint8Array, aad: Uint8Array, params: ResolvedParams): MessageContext {
  if (header.length !== HEADER_LENGTH)
    throw malformed(`a FLOE header has ${HEADER_LENGTH} bytes, not ${header.length}`);
  const encodedParams = encodeParams(params);
  if (!equalBytes(header.subarray(0, ENCODED_PARAMS_LENGTH), encodedParams)) {
    throw malformed('the FLOE header names other parameters (algorithms or segment length) than the ones expected');
  }
  return {
    encodedParams,
    iv: new Uint8Array(header.subarray(ENCODED_PARAMS_LENGTH, TAG_OFFSET)),
    aad,
  };
}

/** Whether the header tag is that of this key and context; in constant time (FLOE.md, `startDecryption`). */
function headerTagMatches(key: Uint8Array, header: Uint8Array, context: MessageContext): boolean {
  const expected = floeKdf(key, context, HEADER_TAG, HEADER_TAG_LENGTH);
  try {
    return equalSecrets(expected, header.subarray(TAG_OFFSET));
  } finally {
    zero(expected);
  }
}

/**
 * Whether `header` was made with this key, associated data and parameters: the check that binds an unwrapped data key
 * to its payload without reading the payload. Nothing is kept.
 *
 * @param key 32 bytes; read only
 * @param aad associated data of the message; read only
 * @param header 74 bytes; read only
 * @returns false when the header tag is not that of `key` and `aad`
 * @throws WaxsealError `ERR_MALFORMED` when the header has another length or other parameters
 */
export function verifyHeader(key: Uint8Array, aad: Uint8Array, header: Uint8Array, params: FloeParams): boolean {
  return authenticateHeader(key, aad, header, params) !== undefined;
}

/**
 * As {@link verifyHeader}; gives what reading the message goes on with, without looking at the header again.
 *
 * @param aad kept by the message: nobody may change it afterwards
 */
export function authenticateHeader(
  key: Uint8Array,
  aad: Uint8Array,
  header: Uint8Array,
  params: FloeParams,
): Message | undefined {
  const resolved = resolveParams(params);
  requireKey(key);
  requireBytes('aad', aad);
  requireBytes('header', header);
  const context = parseHeader(header, aad, resolved);
  return headerTagMatches(key, header, context) ? { params: resolved, context } : undefined;
}
