import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachedGeometry, geometryOf } from '../../../src/envelope/format/geometry.ts';
import { decodePrelude, encodePrelude, hasMagic } from '../../../src/envelope/format/prelude.ts';
import { hex, refused } from './objects.ts';

const fields = fc.record({
  layout: fc.constant('attached' as const),
  coreLength: fc.integer({ min: 1, max: 16 * 1024 }),
  metaLength: fc.integer({ min: 0, max: 4096 }),
  recipientsSize: fc.integer({ min: 1, max: 16 }).map((pages) => pages * 4096),
});

describe('prelude (SPEC section 4)', () => {
  it('is what the table says, byte for byte', () => {
    const bytes = encodePrelude({ layout: 'attached', coreLength: 0x0102, metaLength: 0x0304, recipientsSize: 0x8000 });
    expect(bytes).toEqual(hex('895741580d0a1a0a 01 01 0000 00000102 00000304 00008000 0000000000000000'));
  });

  it('round trip of every prelude within the limits', () => {
    fc.assert(
      fc.property(fields, (prelude) => {
        expect(decodePrelude(encodePrelude(prelude), 'x')).toEqual(prelude);
      }),
    );
  });

  it.each([
    [12, 0, 'ERR_LIMIT_EXCEEDED'],
    [12, 16 * 1024 + 1, 'ERR_LIMIT_EXCEEDED'],
    [16, 4097, 'ERR_LIMIT_EXCEEDED'],
    [20, 0, 'ERR_LIMIT_EXCEEDED'],
    [20, 4095, 'ERR_LIMIT_EXCEEDED'],
    [20, 68 * 1024, 'ERR_LIMIT_EXCEEDED'],
    [20, 0xfffff000, 'ERR_LIMIT_EXCEEDED'],
    [24, 1, 'ERR_MALFORMED'],
    [28, 1, 'ERR_MALFORMED'],
  ] as const)('a u32 at %i of %i is %s', (offset, value, code) => {
    const bytes = encodePrelude({ layout: 'attached', coreLength: 100, metaLength: 0, recipientsSize: 4096 });
    new DataView(bytes.buffer).setUint32(offset, value);
    refused(() => decodePrelude(bytes, 'x'), code);
  });

  it('refuses everything shorter', () => {
    const bytes = encodePrelude({ layout: 'attached', coreLength: 100, metaLength: 0, recipientsSize: 4096 });
    for (let length = 0; length < 8; length += 1)
      refused(() => decodePrelude(bytes.subarray(0, length), 'x'), 'ERR_NOT_SEALED');
    for (let length = 8; length < 32; length += 1)
      refused(() => decodePrelude(bytes.subarray(0, length), 'x'), 'ERR_TRUNCATED');
    expect(hasMagic(bytes.subarray(0, 7))).toBe(false);
  });

  it.each(['compact', 'detached'] as const)('%s: a list of 1 to 65,472 bytes', (layout) => {
    const made = (recipientsSize: number) => encodePrelude({ layout, coreLength: 1, metaLength: 0, recipientsSize });
    for (const size of [1, 4095, 65_472]) expect(decodePrelude(made(size), 'x').recipientsSize).toBe(size);
    for (const size of [0, 65_473, 2 ** 32 - 1]) refused(() => decodePrelude(made(size), 'x'), 'ERR_LIMIT_EXCEEDED');
  });

  it('takes the largest of everything', () => {
    const largest = { layout: 'attached', coreLength: 16_384, metaLength: 4096, recipientsSize: 65_536 } as const;
    expect(decodePrelude(encodePrelude(largest), 'x')).toEqual(largest);
  });

  it.each([
    [0, 0, 'ERR_NOT_SEALED', 'x is not a sealed object'],
    [7, 0, 'ERR_NOT_SEALED', 'x is not a sealed object'],
    [8, 2, 'ERR_UNSUPPORTED_VERSION', 'x says it is format version 2; this waxseal knows version 1'],
    [9, 0, 'ERR_UNSUPPORTED_VERSION', 'x has the unknown layout 0'],
    [9, 4, 'ERR_UNSUPPORTED_VERSION', 'x has the unknown layout 4'],
    [10, 1, 'ERR_MALFORMED', 'reserved bytes in the head of x are not zero'],
    [11, 1, 'ERR_MALFORMED', 'reserved bytes in the head of x are not zero'],
    [24, 1, 'ERR_MALFORMED', 'reserved bytes in the head of x are not zero'],
    [31, 1, 'ERR_MALFORMED', 'reserved bytes in the head of x are not zero'],
    [12, 1, 'ERR_LIMIT_EXCEEDED', 'a length in the head of x is over its limit'],
  ] as const)('byte %i as %i: %s, and says so', (at, value, code, message) => {
    const bytes = encodePrelude({ layout: 'attached', coreLength: 100, metaLength: 0, recipientsSize: 4096 });
    bytes[at] = value;
    refused(() => decodePrelude(bytes, 'x'), code, message);
  });

  it('says that it is cut', () => {
    const bytes = encodePrelude({ layout: 'attached', coreLength: 100, metaLength: 0, recipientsSize: 4096 });
    refused(() => decodePrelude(bytes.subarray(0, 31), 'x'), 'ERR_TRUNCATED', 'x ends inside its head');
  });
});

describe('geometry (SPEC section 10)', () => {
  it('of the smallest and the largest object', () => {
    expect(geometryOf({ layout: 'attached', coreLength: 1, metaLength: 0, recipientsSize: 4096 })).toEqual({
      layout: 'attached',
      headLength: 4096,
      slotSize: 4096,
      slotA: 4096,
      slotB: 8192,
      head1: 12_288,
      prefixLength: 16_384,
      segments: 16_384,
    });
    const largest = geometryOf({
      layout: 'attached',
      coreLength: 16 * 1024,
      metaLength: 4096,
      recipientsSize: 64 * 1024,
    });
    expect(largest).toMatchObject({ headLength: 24_576, head1: 155_648, segments: 180_224 });
  });

  it('pads by less than a page, and to pages', () => {
    fc.assert(
      fc.property(fields, (prelude) => {
        const { headLength, slotA, slotB, head1, segments } = attachedGeometry(prelude);
        const used = 138 + prelude.coreLength + prelude.metaLength;
        expect(headLength - used).toBeGreaterThanOrEqual(0);
        expect(headLength - used).toBeLessThan(4096);
        expect([headLength, slotA, slotB, head1, segments].map((offset) => offset % 4096)).toEqual([0, 0, 0, 0, 0]);
      }),
    );
  });
});

it('slots are whole pages', () => {
  const prelude = encodePrelude({ layout: 'attached', coreLength: 100, metaLength: 0, recipientsSize: 8192 });
  for (const size of [4097, 6000, 8191, 65_535]) {
    new DataView(prelude.buffer).setUint32(20, size);
    refused(() => decodePrelude(prelude, 'x'), 'ERR_LIMIT_EXCEEDED');
  }
});
