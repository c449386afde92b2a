import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, HEADER_LENGTH, OnlineDecryptor } from '../../../src/crypto/floe/index.ts';
import { startDecryption, startEncryption, verifyHeader } from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, join, KEY, READERS, refuses, SEQUENTIAL } from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };
const message = encrypt(KEY, AAD, bytes(20), PARAMS);
const header = message.slice(0, HEADER_LENGTH);
const body = message.slice(HEADER_LENGTH);

const OPENERS: Readonly<Record<string, (key: Uint8Array, aad: Uint8Array, header: Uint8Array) => unknown>> = {
  startDecryption: (key, aad, head) => startDecryption(key, aad, head, PARAMS),
  OnlineDecryptor: (key, aad, head) => new OnlineDecryptor(key, aad, head, PARAMS),
  ...Object.fromEntries(
    Object.entries(READERS).map(([name, read]) => [
      name,
      (key: Uint8Array, aad: Uint8Array, head: Uint8Array) => read(key, aad, join(head, [body]), PARAMS),
    ]),
  ),
};

const changed = (at: number, value: number): Uint8Array => {
  const copy = header.slice();
  copy[at] = value;
  return copy;
};

describe.each(Object.entries(OPENERS))('startDecryption checks, through %s', (_, open) => {
  it('opens the right header', async () => {
    await open(KEY, AAD, header);
  });

  it('parameters: another AEAD id is refused', () => refuses(() => open(KEY, AAD, changed(0, 1)), 'ERR_MALFORMED'));
  it('parameters: another KDF id is refused', () => refuses(() => open(KEY, AAD, changed(1, 1)), 'ERR_MALFORMED'));
  it('parameters: another segment length is refused', () =>
    refuses(() => open(KEY, AAD, changed(5, 41)), 'ERR_MALFORMED'));
  it('parameters: a huge segment length is refused', () =>
    refuses(() => open(KEY, AAD, changed(2, 0x7f)), 'ERR_MALFORMED'));
  it('parameters: another FLOE IV length is refused', () =>
    refuses(() => open(KEY, AAD, changed(9, 31)), 'ERR_MALFORMED'));

  it('header tag: another key is refused', () => refuses(() => open(bytes(32, 9), AAD, header), 'ERR_AUTHENTICATION'));
  it('header tag: other associated data is refused', async () => {
    await refuses(() => open(KEY, new Uint8Array(), header), 'ERR_AUTHENTICATION');
    await refuses(() => open(KEY, AAD.subarray(1), header), 'ERR_AUTHENTICATION');
    await refuses(() => open(KEY, join(AAD, [Uint8Array.of(0)]), header), 'ERR_AUTHENTICATION');
  });
  it('header tag: every bit of FLOE IV and tag counts', async () => {
    for (let bit = 10 * 8; bit < HEADER_LENGTH * 8; bit++) {
      const copy = header.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refuses(() => open(KEY, AAD, copy), 'ERR_AUTHENTICATION');
    }
  });
});

describe('header length', () => {
  it.each([0, 10, 73, 75, 106])('a header of %i bytes is refused', async (length) => {
    const wrong = new Uint8Array(length);
    wrong.set(message.subarray(0, length));
    await refuses(() => startDecryption(KEY, AAD, wrong, PARAMS), 'ERR_MALFORMED');
    await refuses(() => new OnlineDecryptor(KEY, AAD, wrong, PARAMS), 'ERR_MALFORMED');
    await refuses(() => verifyHeader(KEY, AAD, wrong, PARAMS), 'ERR_MALFORMED');
  });

  it.each(Object.entries(SEQUENTIAL))(
    'data that ends inside the header is refused as truncated, %s',
    async (_, read) => {
      for (let length = 0; length < HEADER_LENGTH; length++) {
        await refuses(() => read(KEY, AAD, message.subarray(0, length), PARAMS), 'ERR_TRUNCATED');
      }
    },
  );
});

describe('verifyHeader', () => {
  it('accepts the header of this key and associated data', () => {
    expect(verifyHeader(KEY, AAD, header, PARAMS)).toBe(true);
    const { state, header: fresh } = startEncryption(KEY, AAD, PARAMS);
    state.close();
    expect(verifyHeader(KEY, AAD, fresh, PARAMS)).toBe(true);
  });

  it('does not depend on the rotation mask, which the header does not carry', () => {
    expect(verifyHeader(KEY, AAD, header, { ...PARAMS, rotationMask: 3 })).toBe(true);
  });

  it('says no to another key, other associated data and every flipped bit of FLOE IV and tag', () => {
    expect(verifyHeader(bytes(32, 9), AAD, header, PARAMS)).toBe(false);
    expect(verifyHeader(KEY, new Uint8Array(), header, PARAMS)).toBe(false);
    for (let bit = 80; bit < HEADER_LENGTH * 8; bit++) {
      const copy = header.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyHeader(KEY, AAD, copy, PARAMS)).toBe(false);
    }
  });

  it('refuses a header with other parameters', async () => {
    await refuses(() => verifyHeader(KEY, AAD, header, { segmentLength: 41 }), 'ERR_MALFORMED');
    await refuses(() => verifyHeader(KEY, AAD, changed(0, 1), PARAMS), 'ERR_MALFORMED');
  });
});

it('a wrong key and a changed segment look the same', () => {
  const tampered = message.slice();
  tampered[100] = (tampered[100] ?? 0) ^ 1;
  const messageOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      return String(error);
    }
    return '';
  };
  const wrongKey = messageOf(() => decrypt(bytes(32, 9), AAD, message, PARAMS));
  expect(wrongKey).not.toBe('');
  expect(messageOf(() => decrypt(KEY, AAD, tampered, PARAMS))).toBe(wrongKey);
});
