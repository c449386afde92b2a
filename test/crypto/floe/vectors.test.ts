import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encrypt, floePlaintextSize, floeSize, HEADER_LENGTH } from '../../../src/crypto/floe/index.ts';
import { verifyHeader } from '../../../src/crypto/floe/segments.ts';
import { READERS, VECTOR_AAD, VECTOR_KEY, VECTORS } from './floe-messages.ts';

describe('FLOE vectors of the C++, Go and Java implementations (ATTACKS 27)', () => {
  it('uses every vector in the folder', () => {
    const files = readdirSync(new URL('../../vectors/floe/', import.meta.url)).filter((name) =>
      name.endsWith('_ct.txt'),
    );
    expect(VECTORS.map((vector) => `${vector.name}_ct.txt`).sort()).toEqual(files.sort());
  });

  describe.each(VECTORS)('$name', ({ name, params, message, plaintext }) => {
    it.each(Object.entries(READERS))('opens %s', async (_, read) => {
      expect(await read(VECTOR_KEY, VECTOR_AAD, message, params)).toEqual(plaintext);
    });

    it('has the size that the arithmetic gives', () => {
      expect(floePlaintextSize(message.length - HEADER_LENGTH, params)).toBe(plaintext.length);
      // lastSegEmpty spends one more segment than our encryptor would.
      expect(floeSize(plaintext.length, params)).toBe(message.length - (name.endsWith('lastSegEmpty') ? 32 : 0));
    });

    it('has a header that verifies', () => {
      expect(verifyHeader(VECTOR_KEY, VECTOR_AAD, message.subarray(0, HEADER_LENGTH), params)).toBe(true);
    });

    it('is framed as our own message of the same plaintext', () => {
      if (name.endsWith('lastSegEmpty')) return;
      const ours = encrypt(VECTOR_KEY, VECTOR_AAD, plaintext, params);
      expect(ours.length).toBe(message.length);
      expect(ours.subarray(0, 10)).toEqual(message.subarray(0, 10));
      for (let at = HEADER_LENGTH; at < message.length; at += params.segmentLength) {
        expect(ours.subarray(at, at + 4)).toEqual(message.subarray(at, at + 4));
      }
    });
  });
});
