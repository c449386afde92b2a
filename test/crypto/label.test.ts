import { expect, it } from 'vitest';
import { labelPrefix } from '../../src/crypto/label.ts';

it('labelPrefix is the label and a zero byte, made once', () => {
  expect(labelPrefix('a b')).toEqual(Uint8Array.of(0x61, 0x20, 0x62, 0));
  expect(labelPrefix('')).toEqual(Uint8Array.of(0));
  expect(labelPrefix('a b')).toBe(labelPrefix('a b'));
  expect(labelPrefix('a')).not.toBe(labelPrefix('a b'));
  expect(() => labelPrefix('ä')).toThrow(TypeError);
});
