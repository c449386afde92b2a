import { expect, test } from 'vitest';
import { crc32c } from '../../../providers/gcp-kms/crc32c.ts';

test.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
])('CRC-32C of %s is that of RFC 3720 appendix B.4', (_name, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc);
});
