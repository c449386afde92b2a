import { describe, expect, it } from 'vitest';
import { HeldBytes } from '../../../src/crypto/floe/held-bytes.ts';
import { bytes } from './floe-messages.ts';

describe('HeldBytes', () => {
  it('takes up to the target and says how much it took', () => {
    const held = new HeldBytes();
    expect(held.append(bytes(5), 8)).toBe(5);
    expect(held.append(bytes(5, 3), 8)).toBe(3);
    expect(held.append(bytes(5, 3), 8)).toBe(0);
    expect(held.length).toBe(8);
    expect([...held.view()]).toEqual([...bytes(5), ...bytes(3, 3)]);
    held.clear();
    expect(held.length).toBe(0);
  });

  it('grows with the bytes that arrive, not with the target', () => {
    const held = new HeldBytes();
    for (let i = 0; i < 1000; i++) held.append(bytes(10), 2 ** 31 - 1);
    expect(held.length).toBe(10_000);
    expect(held.view().buffer.byteLength).toBeLessThan(40_000);
    expect([...held.view().subarray(9_990)]).toEqual([...bytes(10)]);
  });

  it('leaves nothing behind when it grows or is wiped: it may hold plaintext', () => {
    const held = new HeldBytes();
    held.append(bytes(4000), 100_000);
    const small = held.view();
    held.append(bytes(50_000), 100_000);
    expect(small.every((byte) => byte === 0)).toBe(true);
    const large = held.view();
    expect(large.length).toBe(54_000);
    held.wipe();
    expect(large.every((byte) => byte === 0)).toBe(true);
    expect(held.length).toBe(0);
  });
});
