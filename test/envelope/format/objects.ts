import { randomFillSync } from 'node:crypto';
import { expect } from 'vitest';
import { type ErrorCode, isWaxsealError, seal, type WholeSealOptions } from '../../../src/index.ts';
import { type FixedKey, fixedKey } from '../../vectors/waxseal/make/fixed-key.ts';

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
export const random = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));

export function freshKey(uri = 'local:test'): FixedKey {
  return fixedKey(uri, [{ n: 1, keyId: random(16), kek: random(32) }]);
}

/** An object with all that an object can have: context, metadata, two recipients. */
export async function smallObject(
  plaintext: Uint8Array,
  options: WholeSealOptions = {},
): Promise<{ readonly object: Uint8Array; readonly keys: readonly [FixedKey, FixedKey] }> {
  const keys = [freshKey('local:test'), freshKey('local:recovery')] as const;
  const object = await seal(plaintext, keys, {
    context: { owner: 'Zoë', purpose: 'test' },
    metadata: { name: 'secret.bin' },
    segmentLength: 4096,
    slotSize: 4096,
    ...options,
  });
  return { object, keys };
}

/** Expects a WaxsealError of this code. */
export function refused(work: () => unknown, code: ErrorCode): void {
  try {
    work();
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    expect(error.code, error.message).toBe(code);
    return;
  }
  expect.unreachable(`was accepted; expected ${code}`);
}

/** Numbers from 0 (included) to 1 (excluded) that a printed seed gives again (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** WAXSEAL_TEST_SEED, or a fresh seed; print it where a test fails. */
export function testSeed(): number {
  const given = process.env.WAXSEAL_TEST_SEED;
  return given === undefined ? Buffer.from(random(4)).readUInt32BE() : Number(given);
}
