import { expect, it } from 'vitest';
import { concat } from '../../src/bytes/index.ts';
import { decrypt } from '../../src/crypto/floe/index.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hexBytes, loadVectors, sha256Hex } from './vectors.ts';

const attached = loadVectors('positive').filter(
  ({ name }) => !name.startsWith('recovery-head0') && name !== 'recovery-head1-damaged',
);

it.each(attached)('a stock FLOE reader opens the payload of $name at 2P + 2S - 74 (ATTACKS 27)', (vector) => {
  const view = new DataView(vector.object.buffer, vector.object.byteOffset);
  const [C, M, S] = [view.getUint32(12), view.getUint32(16), view.getUint32(20)];
  const P = Math.ceil((138 + C + M) / 4096) * 4096;
  const meta = vector.object.subarray(64 + C, 64 + C + M);
  const aad = concat(new TextEncoder().encode('waxseal/1 object\0'), hexBytes(vector.bind), sha256(meta));
  const message = vector.object.subarray(2 * P + 2 * S - 74);
  const segmentLength = new DataView(message.buffer, message.byteOffset).getUint32(2);
  const plaintext = decrypt(hexBytes(vector.dataKey), aad, message, { segmentLength });
  expect(sha256Hex(plaintext)).toBe(vector.plaintext?.sha256);
});
