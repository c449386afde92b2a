import { afterEach, describe, expect, it, vi } from 'vitest';
import { MessageCutter, PlaintextCutter } from '../../../src/crypto/floe/cutters.ts';
import { HeldBytes } from '../../../src/crypto/floe/held-bytes.ts';
import { encryptStream } from '../../../src/crypto/floe/index.ts';
import { AAD, bytes, collect, KEY } from './floe-messages.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Each piece while it is valid: its bytes, and whether it is a view into the chunk. */
function told(pieces: Iterable<Uint8Array>, chunk: Uint8Array): (readonly [number[], boolean])[] {
  return Array.from(pieces, (piece) => [[...piece], piece.buffer === chunk.buffer] as const);
}

describe('PlaintextCutter', () => {
  it('hands out views where a chunk covers a whole segment, and copies what it must join', () => {
    const cutter = new PlaintextCutter(4);
    const chunk = bytes(10);
    expect(told(cutter.push(chunk), chunk)).toEqual([
      [[...chunk.subarray(0, 4)], true],
      [[...chunk.subarray(4, 8)], true],
    ]);
    const next = bytes(7, 5);
    expect(told(cutter.push(next), next)).toEqual([
      [[...chunk.subarray(8), ...next.subarray(0, 2)], false],
      [[...next.subarray(2, 6)], true],
    ]);
    expect([...cutter.rest()]).toEqual([...next.subarray(6)]);
  });

  it('wipes what it holds', () => {
    const cutter = new PlaintextCutter(4);
    expect([...cutter.push(bytes(3))]).toEqual([]);
    const held = cutter.rest();
    expect([...held]).toEqual([...bytes(3)]);
    cutter.wipe();
    expect([...held]).toEqual([0, 0, 0]);
    expect(cutter.rest()).toHaveLength(0);
  });
});

describe('MessageCutter', () => {
  /** Pieces whose first four bytes say how long they are, as a segment does. */
  const measure = (start: Uint8Array): number | undefined => (start.length < 4 ? undefined : start[3]);
  const [one, two] = [
    [0, 0, 0, 6, 1, 2],
    [0, 0, 0, 5, 3],
  ] as const;

  it('hands out views where a chunk covers a whole piece', () => {
    const chunk = Uint8Array.of(...one, ...two);
    expect(told(new MessageCutter(measure).push(chunk), chunk)).toEqual([
      [[...one], true],
      [[...two], true],
    ]);
  });

  it('joins pieces from chunks of any size', () => {
    const message = Uint8Array.of(...one, ...two);
    for (let size = 1; size <= message.length; size++) {
      const cutter = new MessageCutter(measure);
      const pieces: number[][] = [];
      for (let at = 0; at < message.length; at += size) {
        for (const piece of cutter.push(message.subarray(at, at + size))) pieces.push([...piece]);
      }
      expect(pieces, String(size)).toEqual([[...one], [...two]]);
    }
  });
});

describe('encryptStream', () => {
  /** What was held of the plaintext, in memory that is still there. */
  function watchHeld(): Uint8Array[] {
    const held: Uint8Array[] = [];
    const append = HeldBytes.prototype.append;
    vi.spyOn(HeldBytes.prototype, 'append').mockImplementation(function (this: HeldBytes, chunk, target) {
      const taken = append.call(this, chunk, target);
      held.push(this.view());
      return taken;
    });
    return held;
  }

  it('leaves no plaintext in memory, at the end or when its consumer breaks off', async () => {
    const held = watchHeld();
    await collect(encryptStream(KEY, AAD, [bytes(50)], { segmentLength: 40 }));
    for await (const chunk of encryptStream(KEY, AAD, [bytes(7), bytes(7)], { segmentLength: 40 })) {
      if (chunk.length === 40) break;
    }
    expect(held.filter((view) => view.length > 0).length).toBeGreaterThan(1);
    for (const view of held) expect(view.every((byte) => byte === 0)).toBe(true);
  });
});
