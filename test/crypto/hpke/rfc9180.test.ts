import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decapsulate, encapsulate } from '../../../src/crypto/hpke/dhkem.ts';
import { openBase, reopenBase, sealBase, x25519PublicKey } from '../../../src/crypto/hpke/index.ts';
import { keySchedule } from '../../../src/crypto/hpke/key-schedule.ts';

interface Vector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly skRm: string;
  readonly skEm: string;
  readonly pkRm: string;
  readonly pkEm: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key?: string;
  readonly base_nonce?: string;
  readonly encryptions?: readonly { readonly aad: string; readonly pt: string; readonly ct: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/hpke/rfc9180.json', import.meta.url), 'utf8'),
) as readonly Vector[];

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');

describe('the vectors of RFC 9180', () => {
  it('are there: one of our suite, and the KEM of three more', () => {
    expect(vectors.map(({ mode, kem_id, kdf_id, aead_id }) => [mode, kem_id, kdf_id, aead_id])).toEqual([
      [0, 32, 1, 1],
      [0, 32, 1, 2],
      [0, 32, 1, 3],
      [0, 32, 1, 65535],
    ]);
  });

  for (const vector of vectors) {
    it(`KEM, beside AEAD ${String(vector.aead_id)}: both sides come to the shared secret`, () => {
      const [recipient, ephemeral] = [bytes(vector.skRm), bytes(vector.skEm)];
      expect(hex(x25519PublicKey(recipient))).toBe(vector.pkRm);
      expect(hex(x25519PublicKey(ephemeral))).toBe(vector.pkEm);
      const sent = encapsulate(bytes(vector.pkRm), ephemeral);
      expect(hex(sent?.enc)).toBe(vector.enc);
      expect(hex(sent?.sharedSecret)).toBe(vector.shared_secret);
      expect(hex(decapsulate(bytes(vector.enc), recipient))).toBe(vector.shared_secret);
    });
  }

  for (const vector of vectors.filter(({ aead_id }) => aead_id === 2)) {
    it('AES-256-GCM: key schedule and first message are those of the RFC', () => {
      const { key, nonce } = keySchedule(bytes(vector.shared_secret), bytes(vector.info));
      expect([hex(key), hex(nonce)]).toEqual([vector.key, vector.base_nonce]);
      const [first] = vector.encryptions ?? [];
      if (first === undefined) throw new Error('the vector has no message');
      const [info, aad, plaintext, ephemeral] = [vector.info, first.aad, first.pt, vector.skEm].map(bytes) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const publicKey = bytes(vector.pkRm);
      const { enc, ciphertext } = sealBase(publicKey, info, aad, plaintext, ephemeral);
      expect([hex(enc), hex(ciphertext)]).toEqual([vector.enc, first.ct]);
      expect(hex(openBase(bytes(vector.skRm), enc, info, aad, ciphertext))).toBe(first.pt);
      expect(hex(reopenBase(publicKey, ephemeral, enc, info, aad, ciphertext))).toBe(first.pt);
    });
  }
});
