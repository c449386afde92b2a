import { ascii, concat } from '../../bytes/index.ts';
import { ENC_LENGTH, openBase, reopenBase, sealBase, TAG_LENGTH } from '../../crypto/hpke/index.ts';
import { assertBinding, assertWrapInput, isSecretLength } from '../wrap-input.ts';

const LABEL = 'waxseal/1 hpke';
const NO_AAD = new Uint8Array();

/** The only version that a key pair has: another pair is another key. */
export const X25519_VERSION = '1';

/**
 * Wrap algorithm 2 of SPEC section "Wrap algorithms": `enc(32) ‖ ciphertext(secret + 16)` of HPKE, with
 * `info = "waxseal/1 hpke" ‖ 00 ‖ binding` and no associated data.
 *
 * @param ephemeral private key of 32 bytes for this wrap alone; a fresh one by default. Read only
 * @throws RangeError for a secret or binding of another length
 */
export function wrapTo(
  publicKey: Uint8Array,
  secret: Uint8Array,
  binding: Uint8Array,
  ephemeral?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  assertWrapInput(secret, binding);
  const { enc, ciphertext } = sealBase(publicKey, infoOf(binding), NO_AAD, secret, ephemeral);
  return concat(enc, ciphertext) as Uint8Array<ArrayBuffer>;
}

/** The secret of a wrap, which the caller zeroes; undefined for every kind of wrong wrap. */
export function unwrapWith(
  privateKey: Uint8Array,
  wrap: Uint8Array,
  binding: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (!hasLengthOfWrap(wrap)) return undefined;
  return openBase(privateKey, wrap.subarray(0, ENC_LENGTH), infoOf(binding), NO_AAD, wrap.subarray(ENC_LENGTH));
}

/** As {@link unwrapWith}, by the sender: from the ephemeral private key that the wrap was made with. */
export function reopenWrap(
  publicKey: Uint8Array,
  ephemeral: Uint8Array,
  wrap: Uint8Array,
  binding: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (!hasLengthOfWrap(wrap)) return undefined;
  const [enc, ciphertext] = [wrap.subarray(0, ENC_LENGTH), wrap.subarray(ENC_LENGTH)];
  return reopenBase(publicKey, ephemeral, enc, infoOf(binding), NO_AAD, ciphertext);
}

function infoOf(binding: Uint8Array): Uint8Array {
  assertBinding(binding);
  return concat(ascii(LABEL), Uint8Array.of(0), binding);
}

function hasLengthOfWrap({ length }: Uint8Array): boolean {
  const secret = length - ENC_LENGTH - TAG_LENGTH;
  return isSecretLength(secret);
}
