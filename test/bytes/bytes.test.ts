import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ascii,
  concat,
  equalBytes,
  fromBase64Url,
  isZero,
  readU32,
  readU64,
  toBase64Url,
  toHex,
  writeU32,
  writeU64,
} from '../../src/bytes/index.ts';

const data = fc.uint8Array({ maxLength: 60 });

describe('concat', () => {
  it('joins in order into new memory', () => {
    const a = Uint8Array.of(1, 2);
    const joined = concat(a, new Uint8Array(), Buffer.of(3));
    expect(joined).toEqual(Uint8Array.of(1, 2, 3));
    expect(joined.constructor).toBe(Uint8Array);
    joined[0] = 9;
    expect(a[0]).toBe(1);
    expect(concat()).toEqual(new Uint8Array());
    const alone = concat(a);
    alone[0] = 9;
    expect(a[0]).toBe(1);
  });
});

describe('equalBytes and isZero', () => {
  it('compare contents', () => {
    fc.assert(
      fc.property(data, data, (a, b) => {
        expect(equalBytes(a, a.slice())).toBe(true);
        expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b));
        expect(isZero(a)).toBe([...a].every((byte) => byte === 0));
      }),
    );
    expect(equalBytes(Uint8Array.of(1, 0), Uint8Array.of(1))).toBe(false);
    expect(isZero(new Uint8Array(100))).toBe(true);
    expect(isZero(Uint8Array.of(0, 0, 1))).toBe(false);
  });
});

describe('ascii', () => {
  it('gives one byte a character', () => {
    expect(ascii('waxseal/1 \0~')).toEqual(Uint8Array.from(Buffer.from('waxseal/1 \0~')));
    expect(ascii('').length).toBe(0);
  });

  it.each(['ä', 'ā', '€', '\u0080'])('refuses %s, which would turn into another byte', (text) => {
    expect(() => ascii(`a${text}b`)).toThrow(TypeError);
  });
});

describe('integers are big-endian', () => {
  it('32 bits', () => {
    const bytes = new Uint8Array(8);
    writeU32(bytes, 2, 0x01020304);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 1, 2, 3, 4, 0, 0));
    expect(readU32(bytes, 2)).toBe(0x01020304);
    writeU32(bytes, 0, 0xffffffff);
    expect(readU32(bytes, 0)).toBe(0xffffffff);
  });

  it('64 bits', () => {
    const bytes = new Uint8Array(9);
    writeU64(bytes, 1, 2 ** 40 + 5);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 5));
    expect(readU64(bytes, 1)).toBe(2n ** 40n + 5n);
    writeU64(bytes, 0, 2n ** 64n - 1n);
    expect(readU64(bytes, 0)).toBe(2n ** 64n - 1n);
  });

  it('at an offset inside a larger buffer', () => {
    const view = new Uint8Array(20).fill(9).subarray(5, 13);
    writeU32(view, 0, 1);
    writeU32(view, 4, 2);
    expect(readU64(view, 0)).toBe(2n ** 32n + 2n);
    expect(new Uint8Array(view.buffer).filter((byte) => byte === 9).length).toBe(12);
  });

  it('never past the end', () => {
    expect(() => readU32(new Uint8Array(3), 0)).toThrow(RangeError);
    expect(() => readU64(new Uint8Array(8), 1)).toThrow(RangeError);
    // The view ends here although its buffer goes on.
    expect(() => readU32(new Uint8Array(20).subarray(0, 3), 0)).toThrow(RangeError);
    expect(() => writeU32(new Uint8Array(20).subarray(0, 4), 1, 0)).toThrow(RangeError);
    expect(() => writeU64(new Uint8Array(7), 0, 0)).toThrow(RangeError);
  });

  it('refuses what does not fit, instead of cutting it', () => {
    for (const value of [-1, 2 ** 32, 1.5, Number.NaN]) {
      expect(() => writeU32(new Uint8Array(4), 0, value)).toThrow(RangeError);
    }
    for (const value of [-1, -1n, 2n ** 64n, 1.5, 2 ** 53]) {
      expect(() => writeU64(new Uint8Array(8), 0, value)).toThrow(RangeError);
    }
  });
});

describe('toHex', () => {
  it('is lower case and sees only its view', () => {
    expect(toHex(Uint8Array.of(0, 10, 255))).toBe('000aff');
    expect(toHex(Uint8Array.of(1, 2, 3).subarray(1, 2))).toBe('02');
  });
});

describe('base64url', () => {
  it('round trip, without padding', () => {
    fc.assert(
      fc.property(data, (bytes) => {
        const text = toBase64Url(bytes);
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(fromBase64Url(text)).toEqual(bytes);
      }),
    );
    expect(toBase64Url(Uint8Array.of(0xfb, 0xff))).toBe('-_8');
  });

  it.each(['A', 'AA=', 'AA==', 'AB', '+_8', '-/8', 'AA\n', ' AA', 'A.A', 'AAAAA', 'é'])('refuses %j', (text) => {
    expect(fromBase64Url(text)).toBeUndefined();
  });

  it('has one spelling for a value', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), (text) => {
        const bytes = fromBase64Url(text);
        if (bytes !== undefined) expect(toBase64Url(bytes)).toBe(text);
      }),
    );
  });

  it('gives memory of its own, not a piece of the pool', () => {
    const bytes = fromBase64Url('AQID');
    expect(bytes?.buffer.byteLength).toBe(3);
    expect(bytes?.constructor).toBe(Uint8Array);
  });
});
