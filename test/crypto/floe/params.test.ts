import { describe, expect, it } from 'vitest';
import {
  decrypt,
  decryptStream,
  DEFAULT_ROTATION_MASK,
  encrypt,
  encryptStream,
  type FloeParams,
  floePlaintextSize,
  floeSegmentCount,
  floeSize,
  HEADER_LENGTH,
  MAX_SEGMENTS,
  OnlineDecryptor,
  OnlineEncryptor,
  SEGMENT_OVERHEAD,
} from '../../../src/crypto/floe/index.ts';
import { startDecryption, startEncryption, verifyHeader } from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, KEY, refuses } from './floe-messages.ts';

const GOOD: FloeParams = { segmentLength: 40 };
const message = encrypt(KEY, AAD, bytes(20), GOOD);
const header = message.slice(0, HEADER_LENGTH);

/** Every function that takes key, aad and parameters. */
const CALLS: Readonly<Record<string, (key: Uint8Array, aad: Uint8Array, params: FloeParams) => unknown>> = {
  encrypt: (key, aad, params) => encrypt(key, aad, bytes(20), params),
  decrypt: (key, aad, params) => decrypt(key, aad, message, params),
  encryptStream: (key, aad, params) => encryptStream(key, aad, [], params),
  decryptStream: (key, aad, params) => decryptStream(key, aad, [], params),
  OnlineEncryptor: (key, aad, params) => new OnlineEncryptor(key, aad, params),
  OnlineDecryptor: (key, aad, params) => new OnlineDecryptor(key, aad, header, params),
  startEncryption: (key, aad, params) => startEncryption(key, aad, params),
  startDecryption: (key, aad, params) => startDecryption(key, aad, header, params),
  verifyHeader: (key, aad, params) => verifyHeader(key, aad, header, params),
};

describe('constants are those of the specification', () => {
  it('for AES-256-GCM', () => {
    expect({ HEADER_LENGTH, SEGMENT_OVERHEAD, DEFAULT_ROTATION_MASK, MAX_SEGMENTS }).toEqual({
      HEADER_LENGTH: 74,
      SEGMENT_OVERHEAD: 32,
      DEFAULT_ROTATION_MASK: 20,
      MAX_SEGMENTS: 1099511627776,
    });
  });
});

describe.each(Object.entries(CALLS))('%s', (_, call) => {
  it('takes good arguments', () => {
    expect(() => call(KEY, AAD, GOOD)).not.toThrow();
    expect(() =>
      call(Buffer.from(KEY), Buffer.from(AAD), { segmentLength: 40, rotationMask: undefined }),
    ).not.toThrow();
  });

  it.each([32, 0, -40, 40.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32])(
    'refuses segmentLength %d',
    (n) => {
      expect(() => call(KEY, AAD, { segmentLength: n })).toThrow(RangeError);
    },
  );

  it.each([-1, 41, 1.5, Number.NaN])('refuses rotationMask %d', (rotationMask) => {
    expect(() => call(KEY, AAD, { segmentLength: 40, rotationMask })).toThrow(RangeError);
  });

  it('refuses unknown and wrongly typed parameters', () => {
    expect(() => call(KEY, AAD, { segmentLength: 40, rotation: 2 } as FloeParams)).toThrow(TypeError);
    expect(() => call(KEY, AAD, { segmentLength: '40' } as unknown as FloeParams)).toThrow(TypeError);
    expect(() => call(KEY, AAD, { segmentLength: 40n } as unknown as FloeParams)).toThrow(TypeError);
    expect(() => call(KEY, AAD, {} as FloeParams)).toThrow(TypeError);
    expect(() => call(KEY, AAD, undefined as unknown as FloeParams)).toThrow(TypeError);
  });

  it.each([0, 16, 24, 31, 33, 64])('refuses a key of %i bytes', (length) => {
    expect(() => call(new Uint8Array(length), AAD, GOOD)).toThrow(RangeError);
  });

  it('refuses keys and associated data that are no Uint8Array', () => {
    expect(() => call('k'.repeat(32) as unknown as Uint8Array, AAD, GOOD)).toThrow(TypeError);
    expect(() => call(new Uint16Array(32) as unknown as Uint8Array, AAD, GOOD)).toThrow(TypeError);
    expect(() => call(KEY, 'aad' as unknown as Uint8Array, GOOD)).toThrow(TypeError);
    expect(() => call(KEY, undefined as unknown as Uint8Array, GOOD)).toThrow(TypeError);
  });
});

describe('data that is no Uint8Array', () => {
  const text = 'text' as unknown as Uint8Array;
  it('is refused everywhere', async () => {
    expect(() => encrypt(KEY, AAD, text, GOOD)).toThrow(TypeError);
    expect(() => decrypt(KEY, AAD, text, GOOD)).toThrow(TypeError);
    expect(() => verifyHeader(KEY, AAD, text, GOOD)).toThrow(TypeError);
    expect(() => startDecryption(KEY, AAD, text, GOOD)).toThrow(TypeError);
    for (const stream of [encryptStream, decryptStream]) {
      expect(() => stream(KEY, AAD, 'text' as unknown as Uint8Array[], GOOD)).toThrow(TypeError);
      expect(() => stream(KEY, AAD, bytes(4) as unknown as Uint8Array[], GOOD)).toThrow(TypeError);
      expect(() => stream(KEY, AAD, 7 as unknown as Uint8Array[], GOOD)).toThrow(TypeError);
      const reading = (async () => {
        for await (const _ of stream(KEY, AAD, [text], GOOD));
      })();
      await expect(reading).rejects.toThrow(TypeError);
    }
  });
});

describe('sizes', () => {
  const params = { segmentLength: 40 };
  it.each([
    [0, 1, 106],
    [1, 1, 107],
    [8, 1, 114],
    [9, 2, 147],
    [16, 2, 154],
    [17, 3, 187],
  ])('a plaintext of %i bytes makes %i segments and %i bytes', (length, segments, size) => {
    expect(floeSegmentCount(length, params)).toBe(segments);
    expect(floeSize(length, params)).toBe(size);
    expect(floePlaintextSize(size - HEADER_LENGTH, params)).toBe(length);
  });

  it('counts an empty final segment after full ones, as some writers make it', () => {
    expect(floePlaintextSize(40 + 32, params)).toBe(8);
    expect(floePlaintextSize(80 + 32, params)).toBe(16);
  });

  it.each([0, 1, 31, 40 + 1, 40 + 31, 80 + 31])('no message has a body of %i bytes', async (length) => {
    await refuses(() => floePlaintextSize(length, params), 'ERR_TRUNCATED');
  });

  it('has the limit of 2^40 segments', async () => {
    expect(floeSegmentCount(8 * 2 ** 40, params)).toBe(2 ** 40);
    expect(() => floeSegmentCount(8 * 2 ** 40 + 1, params)).toThrow(RangeError);
    expect(() => floeSize(8 * 2 ** 40 + 1, params)).toThrow(RangeError);
    expect(floePlaintextSize(40 * 2 ** 40, params)).toBe(8 * 2 ** 40);
    await refuses(() => floePlaintextSize(40 * 2 ** 40 + 32, params), 'ERR_LIMIT_EXCEEDED');
  });

  it('refuses what is no length, and sums past 2^53', () => {
    for (const length of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => floeSize(length, params)).toThrow(RangeError);
      expect(() => floeSegmentCount(length, params)).toThrow(RangeError);
      expect(() => floePlaintextSize(length, params)).toThrow(RangeError);
    }
    expect(() => floeSize(1n as unknown as number, params)).toThrow(TypeError);
    expect(() => floeSize(2 ** 53 - 1, { segmentLength: 1 << 20 })).toThrow(RangeError);
    expect(() => floeSize(10, { segmentLength: 32 })).toThrow(RangeError);
    expect(() => floePlaintextSize(40, { segmentLength: 32 })).toThrow(RangeError);
  });
});
