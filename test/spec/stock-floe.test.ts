import { expect, it } from 'vitest';
import { concat } from '../../src/bytes/index.ts';
import { decrypt } from '../../src/crypto/floe/index.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hexBytes, layoutOf, loadVectors, sha256Hex, type Vector } from './vectors.ts';

const vectors = loadVectors('positive').filter(
  ({ name }) => !name.startsWith('recovery-head0') && name !== 'recovery-head1-damaged',
);

/** Where the plain FLOE message and the metadata stand (SPEC section 10). */
function messageOf({ object, payload, ...vector }: Vector): { message: Uint8Array; meta: Uint8Array } {
  const view = new DataView(object.buffer, object.byteOffset);
  const [C, M, recipients] = [view.getUint32(12), view.getUint32(16), view.getUint32(20)];
  if (layoutOf({ object, payload, ...vector }) === 'compact') {
    return { message: object.subarray(64 + C + M + recipients), meta: object.subarray(32 + C, 32 + C + M) };
  }
  const P = Math.ceil((138 + C + M) / 4096) * 4096;
  const meta = object.subarray(64 + C, 64 + C + M);
  return { message: payload ?? object.subarray(2 * P + 2 * recipients - 74), meta };
}

it.each(vectors)('a stock FLOE reader opens the payload of $name where it stands (ATTACKS 27)', (vector) => {
  const { message, meta } = messageOf(vector);
  const aad = concat(new TextEncoder().encode('waxseal/1 object\0'), hexBytes(vector.bind), sha256(meta));
  const segmentLength = new DataView(message.buffer, message.byteOffset).getUint32(2);
  const plaintext = decrypt(hexBytes(vector.dataKey), aad, message, { segmentLength });
  expect(sha256Hex(plaintext)).toBe(vector.plaintext?.sha256);
});
