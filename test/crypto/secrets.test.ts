import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import {
  allocateSecret,
  equalSecrets,
  randomPublic,
  randomSecret,
  randomTogether,
  zero,
} from '../../src/crypto/secrets.ts';

/** What was filled with randomness. */
const { filled } = vi.hoisted(() => ({ filled: [] as Uint8Array[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  const randomFillSync = (into: Uint8Array, ...range: number[]): Uint8Array => {
    filled.push(into);
    return real.randomFillSync(into, ...range);
  };
  return { ...real, randomFillSync };
});

describe('secrets in memory', () => {
  it('have an ArrayBuffer of their own', () => {
    for (const secret of [allocateSecret(32), randomSecret(32), randomPublic(16)]) {
      expect(secret.constructor).toBe(Uint8Array);
      expect(secret.byteOffset).toBe(0);
      expect(secret.buffer.byteLength).toBe(secret.length);
    }
    expect(allocateSecret(32)).toEqual(new Uint8Array(32));
  });

  it('are random', () => {
    const seen = new Set(Array.from({ length: 100 }, () => Buffer.from(randomSecret(16)).toString('hex')));
    for (let i = 0; i < 100; i++) seen.add(Buffer.from(randomPublic(16)).toString('hex'));
    expect(seen.size).toBe(200);
    expect([randomSecret(0).length, randomPublic(1000).length]).toEqual([0, 1000]);
  });

  it('are drawn together with what everybody may know, each in memory of its own', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      filled.length = 0;
      const { known, secret } = randomTogether(16, 32);
      expect([known.length, known.buffer.byteLength, secret.length, secret.buffer.byteLength]).toEqual([
        16, 16, 32, 32,
      ]);
      for (const bytes of [known, secret.subarray(0, 16), secret.subarray(16)]) {
        seen.add(Buffer.from(bytes).toString('hex'));
      }
      // One draw, whose own memory keeps nothing.
      expect(filled).toHaveLength(1);
      expect(filled[0]?.every((byte) => byte === 0)).toBe(true);
    }
    expect(seen.size).toBe(300);
    expect(randomTogether(64, 32).known).toHaveLength(64);
    expect(() => randomTogether(65, 32)).toThrow(new RangeError('at most 96 bytes at once'));
  });

  it('zero overwrites all that it is given', () => {
    const [a, b] = [randomSecret(32), randomSecret(48)];
    zero(a, undefined, b);
    expect([a, b]).toEqual([new Uint8Array(32), new Uint8Array(48)]);
  });

  it('equalSecrets compares bytes and lengths', () => {
    const secret = randomSecret(32);
    expect(equalSecrets(secret, secret.slice())).toBe(true);
    expect(equalSecrets(secret, secret.subarray(1))).toBe(false);
    expect(equalSecrets(new Uint8Array(), new Uint8Array())).toBe(true);
    for (let i = 0; i < 32; i++) {
      const other = secret.slice();
      other[i] = (other[i] ?? 0) ^ 0x80;
      expect(equalSecrets(secret, other)).toBe(false);
    }
  });
});

describe('randomness (ATTACKS 26)', () => {
  const root = new URL('../../src/', import.meta.url);
  const files = ['crypto', 'keys'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );

  it('comes from randomFillSync only: the pools behind the others survive VM snapshots', () => {
    expect(files).toContain('crypto/secrets.ts');
    const forbidden = /\b(randomUUID|randomInt|randomBytes|getRandomValues|generateKeySync)\s*\(|Math\.random/;
    const offenders = files.filter((name) => forbidden.test(readFileSync(new URL(name, root), 'utf8')));
    expect(offenders).toEqual([]);
  });
});
