import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  hasSmallOrder,
  isCanonicalPublicKey,
  openBase,
  reopenBase,
  sealBase,
  x25519PublicKey,
} from '../../../src/crypto/hpke/index.ts';
import { SMALL_ORDER_POINTS } from '../../support/small-order-points.ts';

const random = (length = 32): Uint8Array => randomFillSync(new Uint8Array(length));

function message() {
  const [privateKey, ephemeral, info, aad, plaintext] = [random(), random(), random(47), random(9), random()];
  const publicKey = x25519PublicKey(privateKey);
  return {
    privateKey,
    publicKey,
    ephemeral,
    info,
    aad,
    plaintext,
    ...sealBase(publicKey, info, aad, plaintext, ephemeral),
  };
}

describe('an HPKE message', () => {
  it('opens for the private key, and for the sender who kept the ephemeral one', () => {
    const m = message();
    expect(openBase(m.privateKey, m.enc, m.info, m.aad, m.ciphertext)).toEqual(m.plaintext);
    expect(reopenBase(m.publicKey, m.ephemeral, m.enc, m.info, m.aad, m.ciphertext)).toEqual(m.plaintext);
  });

  it('does not open with another key, info or aad', () => {
    const m = message();
    expect(openBase(random(), m.enc, m.info, m.aad, m.ciphertext)).toBeUndefined();
    expect(openBase(m.privateKey, m.enc, random(47), m.aad, m.ciphertext)).toBeUndefined();
    expect(openBase(m.privateKey, m.enc, m.info.subarray(1), m.aad, m.ciphertext)).toBeUndefined();
    expect(openBase(m.privateKey, m.enc, m.info, random(9), m.ciphertext)).toBeUndefined();
    expect(openBase(m.privateKey, m.enc, m.info, new Uint8Array(), m.ciphertext)).toBeUndefined();
    expect(reopenBase(m.publicKey, random(), m.enc, m.info, m.aad, m.ciphertext)).toBeUndefined();
    expect(reopenBase(x25519PublicKey(random()), m.ephemeral, m.enc, m.info, m.aad, m.ciphertext)).toBeUndefined();
  });

  it('does not open with any one bit flipped', () => {
    const m = message();
    const whole = Buffer.concat([m.enc, m.ciphertext]);
    for (let bit = 0; bit < 8 * whole.length; bit += 1) {
      const bad = Uint8Array.from(whole);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const [enc, ciphertext] = [bad.subarray(0, 32), bad.subarray(32)];
      expect(openBase(m.privateKey, enc, m.info, m.aad, ciphertext), `bit ${String(bit)}`).toBeUndefined();
      const again = reopenBase(m.publicKey, m.ephemeral, enc, m.info, m.aad, ciphertext);
      expect(again, `bit ${String(bit)}, by the sender`).toBeUndefined();
    }
  });

  it('does not open when enc or ciphertext has another length', () => {
    const m = message();
    for (const length of [0, 1, 31]) {
      expect(openBase(m.privateKey, m.enc.subarray(0, length), m.info, m.aad, m.ciphertext)).toBeUndefined();
    }
    const longer = Uint8Array.from([...m.enc, 0]);
    expect(openBase(m.privateKey, longer, m.info, m.aad, m.ciphertext)).toBeUndefined();
    for (const length of [0, 15, 16, m.ciphertext.length - 1]) {
      const cut = m.ciphertext.subarray(0, length);
      expect(openBase(m.privateKey, m.enc, m.info, m.aad, cut)).toBeUndefined();
    }
  });

  it('is another one each time', () => {
    const { publicKey, info, aad, plaintext } = message();
    const made = Array.from({ length: 20 }, () => sealBase(publicKey, info, aad, plaintext));
    expect(new Set(made.map(({ enc }) => Buffer.from(enc).toString('hex'))).size).toBe(20);
  });
});

describe('attack 21: a point of small order', () => {
  for (const [what, point] of SMALL_ORDER_POINTS) {
    it(`${what} is refused on import, when sealing and when opening`, () => {
      const m = message();
      expect(hasSmallOrder(point)).toBe(true);
      expect(() => sealBase(point, m.info, m.aad, m.plaintext)).toThrow(RangeError);
      expect(openBase(m.privateKey, point, m.info, m.aad, m.ciphertext)).toBeUndefined();
      expect(reopenBase(point, m.ephemeral, m.enc, m.info, m.aad, m.ciphertext)).toBeUndefined();
    });
  }

  it('is no ordinary public key', () => {
    for (let round = 0; round < 50; round += 1) {
      const publicKey = x25519PublicKey(random());
      expect([hasSmallOrder(publicKey), isCanonicalPublicKey(publicKey)]).toEqual([false, true]);
    }
  });
});

describe('the one spelling of a point', () => {
  const littleEndian = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
  const p = 2n ** 255n - 19n;
  it('is below 2^255 - 19', () => {
    // The last three have all bits but those of the highest byte, of the second one, of the middle.
    const holes = [2n ** 255n - 1n - 2n ** 248n, 2n ** 255n - 1n - 2n ** 8n, 2n ** 255n - 1n - 2n ** 128n];
    for (const value of [0n, 9n, p - 1n, p - 2n, 2n ** 254n, ...holes])
      expect(isCanonicalPublicKey(littleEndian(value))).toBe(true);
    for (const value of [p, p + 1n, p + 18n, 2n ** 255n, 2n ** 255n + 9n, 2n ** 256n - 1n]) {
      expect(isCanonicalPublicKey(littleEndian(value)), value.toString(16)).toBe(false);
    }
    expect(isCanonicalPublicKey(new Uint8Array(31))).toBe(false);
  });
});

describe('misuse', () => {
  it('is a RangeError for keys of another length', () => {
    for (const length of [0, 31, 33]) {
      expect(() => x25519PublicKey(random(length))).toThrow(new RangeError('an X25519 private key has 32 bytes'));
      expect(() => sealBase(random(length), random(), random(), random())).toThrow(
        new RangeError('an X25519 public key has 32 bytes'),
      );
    }
  });
});
