import { randomFillSync } from 'node:crypto';
import { expect } from 'vitest';
import { type CborValue, encodeCbor } from '../../../src/bytes/index.ts';
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

/** Expects a WaxsealError of this code; where a message is given, of that message, about the object `x`. */
export function refused(work: () => unknown, code: ErrorCode, message?: string): void {
  try {
    work();
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    expect(error.code, error.message).toBe(code);
    if (message !== undefined) expect([error.message, error.object]).toEqual([message, 'x']);
    return;
  }
  expect.unreachable(`was accepted; expected ${code}`);
}

/** A list of recipients that takes up exactly so many bytes: over 2,300. */
export function listOf(length: number): Uint8Array {
  const entry = (version: string, wrap: number): CborValue =>
    new Map<number, CborValue>([
      [1, 'local:a'],
      [2, version],
      [3, 1],
      [4, new Uint8Array(wrap)],
    ]);
  const entries: CborValue[] = [entry('last', 0)];
  const rest = (): number => length - encodeCbor(entries).length;
  while (rest() > 2100) entries.push(entry(String(entries.length), Math.min(2048, rest() - 400)));
  // Two bytes more of length come with a wrap of over 255.
  entries[0] = entry('last', rest() - 2);
  return encodeCbor(entries);
}

/** Stands for a fault of the program, which must not be taken for a damaged object. */
export const NO_NAME = {
  toString() {
    throw new TypeError('no name');
  },
} as unknown as string;

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
