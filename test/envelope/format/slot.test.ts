import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/bytes/index.ts';
import { MAX_GENERATION } from '../../../src/envelope/format/limits.ts';
import { encodeSlot, hasCleanPadding, readSlot, slotCapacity } from '../../../src/envelope/format/slot.ts';
import { both, slot } from '../../vectors/waxseal/make/craft.ts';
import { listOf, NO_NAME, random, refused } from './objects.ts';

const bind = random(32);
const ground = { bind, slotSize: 4096 };
const list = encodeCbor([
  new Map<number, string | number | Uint8Array>([
    [1, 'local:a'],
    [2, '1'],
    [3, 1],
    [4, random(72)],
  ]),
]);

describe('slot (SPEC section 11)', () => {
  it('round trip', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<0 | 1>(0, 1),
        fc.integer({ min: 0, max: MAX_GENERATION }),
        fc.integer({ min: 1, max: 16 }),
        (index, generation, pages) => {
          const bytes = encodeSlot(index, generation, list, pages * 4096, bind, 'x');
          const reading = readSlot(bytes, index, pages * 4096, bind, 'x');
          expect(reading.slot).toMatchObject({ index, generation, list });
          expect(hasCleanPadding(reading)).toBe(true);
        },
      ),
    );
  });

  it('is what the table says', () => {
    for (const index of [0, 1] as const) {
      expect(encodeSlot(index, 5, list, 4096, bind, 'x')).toEqual(slot(ground, index, list, { generation: 5 }));
    }
  });

  it('the limit of the generation (ATTACKS 25)', () => {
    const read = (generation: number | bigint) =>
      readSlot(slot(ground, 0, list, { generation }), 0, 4096, bind, 'x').slot;
    expect(read(MAX_GENERATION)?.generation).toBe(2 ** 48);
    expect(read(MAX_GENERATION + 1)).toBeUndefined();
    expect(read(2n ** 64n - 1n)).toBeUndefined();
    expect(read(0)?.generation).toBe(0);
  });

  it('every flipped bit makes it invalid, in the padding unclean; never an error', () => {
    const bytes = encodeSlot(0, 1, list, 4096, bind, 'x');
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < (at < 64 + list.length ? 8 : 1); bit += 1) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        const reading = readSlot(changed, 0, 4096, bind, 'x');
        if (at < 64 + list.length) expect(reading.slot, String(at)).toBeUndefined();
        else expect(hasCleanPadding(reading), String(at)).toBe(false);
      }
    }
  });

  it('is invalid in the other place, for another object, of another size, and cut', () => {
    const [a, b] = both(ground, list);
    expect(readSlot(b, 0, 4096, bind, 'x').slot).toBeUndefined();
    expect(readSlot(a, 0, 4096, random(32), 'x').slot).toBeUndefined();
    expect(readSlot(a, 0, 8192, bind, 'x').slot).toBeUndefined();
    expect(readSlot(new Uint8Array(8192), 0, 8192, bind, 'x').slot).toBeUndefined();
    for (const length of [0, 3, 31, 64, 4095])
      expect(readSlot(a.subarray(0, length), 0, 4096, bind, 'x').slot).toBeUndefined();
  });

  it('holds S - 64 bytes and says so when that is not enough', () => {
    expect(slotCapacity(4096)).toBe(4032);
    expect(encodeSlot(0, 1, new Uint8Array(4032), 4096, bind, 'x')).toHaveLength(4096);
    refused(
      () => encodeSlot(0, 1, new Uint8Array(4033), 4096, bind, 'x'),
      'ERR_SLOT_FULL',
      'the recipients of x need 4033 bytes and its slots hold 4032',
    );
    const full = listOf(4032);
    const reading = readSlot(encodeSlot(0, 1, full, 4096, bind, 'x'), 0, 4096, bind, 'x');
    expect(reading.slot?.list).toEqual(full);
    expect(hasCleanPadding(reading)).toBe(true);
  });

  it('says why it is invalid', () => {
    const good = encodeSlot(0, 5, list, 4096, bind, 'x');
    const read = (at: number, ...values: number[]) => {
      const changed = good.slice();
      changed.set(values, at);
      return readSlot(changed, 0, 4096, bind, 'x');
    };
    expect(read(0)).toMatchObject({ problem: undefined, erased: false });
    expect(readSlot(good.subarray(1), 0, 4096, bind, 'x').problem).toBe('it is cut off');
    expect(readSlot(new Uint8Array(4095), 0, 4096, bind, 'x')).toMatchObject({
      problem: 'it is cut off',
      erased: false,
    });
    expect(readSlot(new Uint8Array(4096), 0, 4096, bind, 'x')).toMatchObject({
      problem: 'it was erased',
      erased: true,
      slot: undefined,
    });
    expect(read(3, 0).problem).toBe('it does not begin with WXSL');
    expect(read(4, 1).problem).toBe('it is the other slot');
    for (const at of [5, 6, 7, 24, 28, 31]) expect(read(at, 1).problem, String(at)).toBe('reserved bytes are not zero');
    expect(read(8, 0, 1, 0, 0, 0, 0, 0, 1).problem).toBe('its generation is over the limit');
    expect(read(20, 0, 0, 0x20).problem).toBe('it says another size');
    expect(read(16, 0, 0, 0x0f, 0xc1).problem).toBe('its list is longer than the slot');
    expect(read(16, 0, 0, 0x0f, 0xc0).problem).toBe('its hash does not match');
    expect(read(64, 0).problem).toBe('its hash does not match');
    expect(read(64, 0)).toMatchObject({ erased: false, slot: undefined });
    const none = readSlot(encodeSlot(0, 1, encodeCbor([]), 4096, bind, 'x'), 0, 4096, bind, 'x');
    expect(none).toMatchObject({ slot: undefined, problem: 'x has 0 recipients; 1 to 32 are allowed', erased: false });
  });

  it('hides no error that is not about its bytes', () => {
    const bytes = encodeSlot(0, 1, encodeCbor([]), 4096, bind, 'x');
    expect(() => readSlot(bytes, 0, 4096, bind, NO_NAME)).toThrow('no name');
  });

  it('has no padding to judge where it is invalid', () => {
    expect(hasCleanPadding(readSlot(random(4096), 0, 4096, bind, 'x'))).toBe(true);
  });
});
