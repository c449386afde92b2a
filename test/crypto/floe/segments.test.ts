import { describe, expect, it } from 'vitest';
import {
  decryptSegment,
  encryptSegment,
  encryptSegmentParts,
  type FloeState,
  startDecryption,
  startEncryption,
} from '../../../src/crypto/floe/segments.ts';
import { MAX_SEGMENTS } from '../../../src/crypto/floe/index.ts';
import { AAD, bytes, KEY, refuses } from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };
const FULL = 8;

function pair(params = PARAMS as { segmentLength: number; rotationMask?: number }): {
  writer: FloeState;
  reader: FloeState;
  header: Uint8Array;
} {
  const { state: writer, header } = startEncryption(KEY, AAD, params);
  return { writer, header, reader: startDecryption(KEY, AAD, header, params) };
}

const withMarker = (segment: Uint8Array, marker: number): Uint8Array => {
  const copy = segment.slice();
  new DataView(copy.buffer).setUint32(0, marker);
  return copy;
};

describe('encryptSegment checks', () => {
  const { writer } = pair();
  it('length: an internal segment that is not full is refused', () => {
    for (const length of [0, 1, FULL - 1, FULL + 1]) {
      expect(() => encryptSegment(writer, bytes(length), 0, false)).toThrow(RangeError);
      expect(() => encryptSegmentParts(writer, bytes(length), 0, false)).toThrow(RangeError);
    }
  });
  it('length: a final segment that is too long is refused', () => {
    expect(() => encryptSegment(writer, bytes(FULL + 1), 0, true)).toThrow(RangeError);
    for (let length = 0; length <= FULL; length++) {
      expect(encryptSegment(writer, bytes(length), 0, true).length).toBe(32 + length);
    }
  });
  it('counter: positions end at 2^40 - 1, the last one for a final segment only', () => {
    expect(() => encryptSegment(writer, bytes(FULL), MAX_SEGMENTS, true)).toThrow(RangeError);
    expect(() => encryptSegment(writer, bytes(FULL), MAX_SEGMENTS, false)).toThrow(RangeError);
    expect(() => encryptSegment(writer, bytes(FULL), MAX_SEGMENTS - 1, false)).toThrow(RangeError);
    expect(encryptSegment(writer, bytes(FULL), MAX_SEGMENTS - 1, true).length).toBe(40);
    expect(encryptSegment(writer, bytes(FULL), MAX_SEGMENTS - 2, false).length).toBe(40);
  });
  it('counter: what is no position is refused', () => {
    for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => encryptSegment(writer, bytes(FULL), position, true)).toThrow(RangeError);
    }
    expect(() => encryptSegment(writer, bytes(FULL), 0n as unknown as number, true)).toThrow(TypeError);
    expect(() => encryptSegment(writer, bytes(FULL), 0, 1 as unknown as boolean)).toThrow(TypeError);
    expect(() => encryptSegment(writer, bytes(FULL), 0, undefined as unknown as boolean)).toThrow(TypeError);
    expect(() => encryptSegment(writer, 'plain' as unknown as Uint8Array, 0, true)).toThrow(TypeError);
  });
});

describe('decryptSegment checks', () => {
  const { writer, reader } = pair();
  const internal = encryptSegment(writer, bytes(FULL), 3, false);
  const final = encryptSegment(writer, bytes(5), 4, true);
  const fullFinal = encryptSegment(writer, bytes(FULL), 4, true);
  const emptyFinal = encryptSegment(writer, bytes(0), 4, true);

  it('accepts what was written, internal, final, full and empty', () => {
    expect(decryptSegment(reader, internal, 3, false)).toEqual(bytes(FULL));
    expect(decryptSegment(reader, final, 4, true)).toEqual(bytes(5));
    expect(decryptSegment(reader, fullFinal, 4, true)).toEqual(bytes(FULL));
    expect(decryptSegment(reader, emptyFinal, 4, true)).toEqual(bytes(0));
  });
  it('length: an internal segment that is too short is refused', async () => {
    for (let n = 0; n < 40; n++)
      await refuses(() => decryptSegment(reader, internal.subarray(0, n), 3, false), 'ERR_TRUNCATED');
  });
  it('length: an internal segment that is too long is refused', () =>
    refuses(() => decryptSegment(reader, Uint8Array.of(...internal, 0), 3, false), 'ERR_TRAILING_DATA'));
  it('length: a final segment below the overhead is refused', async () => {
    for (let n = 0; n < 32; n++)
      await refuses(() => decryptSegment(reader, final.subarray(0, n), 4, true), 'ERR_TRUNCATED');
  });
  it('length: a final segment above the segment length is refused', () =>
    refuses(() => decryptSegment(reader, Uint8Array.of(...fullFinal, 0), 4, true), 'ERR_TRAILING_DATA'));
  it('marker: a final segment shorter or longer than it says is refused', async () => {
    await refuses(() => decryptSegment(reader, final.subarray(0, 36), 4, true), 'ERR_TRUNCATED');
    await refuses(() => decryptSegment(reader, Uint8Array.of(...final, 0), 4, true), 'ERR_TRAILING_DATA');
    await refuses(() => decryptSegment(reader, withMarker(final, 38), 4, true), 'ERR_TRUNCATED');
    await refuses(() => decryptSegment(reader, withMarker(final, 36), 4, true), 'ERR_TRAILING_DATA');
  });
  it('marker: a length that no segment can have is refused', async () => {
    for (const marker of [0, 1, 31, 41, 0x7fffffff, 0xfffffffe]) {
      await refuses(() => decryptSegment(reader, withMarker(final, marker), 4, true), 'ERR_MALFORMED');
      await refuses(() => decryptSegment(reader, withMarker(internal, marker), 3, false), 'ERR_MALFORMED');
    }
  });
  it('marker: an internal segment whose marker was changed to a possible length is refused', async () => {
    for (const marker of [32, 36, 40]) {
      await refuses(() => decryptSegment(reader, withMarker(internal, marker), 3, false), 'ERR_AUTHENTICATION');
    }
  });
  it('final flag: an internal segment taken for the final one is refused', async () => {
    await refuses(() => decryptSegment(reader, internal, 3, true), 'ERR_TRUNCATED');
    // The marker stands in the clear: an attacker changes it along.
    await refuses(() => decryptSegment(reader, withMarker(internal, 40), 3, true), 'ERR_AUTHENTICATION');
  });
  it('final flag: a final segment taken for an internal one is refused', async () => {
    await refuses(() => decryptSegment(reader, fullFinal, 4, false), 'ERR_AUTHENTICATION');
    await refuses(() => decryptSegment(reader, withMarker(fullFinal, 0xffffffff), 4, false), 'ERR_AUTHENTICATION');
  });
  it('position: a segment at another position is refused', async () => {
    for (const position of [0, 2, 4, 3 + 2 ** 20, 3 + 2 ** 32]) {
      await refuses(() => decryptSegment(reader, internal, position, false), 'ERR_AUTHENTICATION');
    }
    await refuses(() => decryptSegment(reader, final, 3, true), 'ERR_AUTHENTICATION');
  });
  it('AEAD: every flipped bit of IV, ciphertext and tag is refused', async () => {
    for (const [segment, position, isFinal] of [
      [internal, 3, false],
      [final, 4, true],
      [emptyFinal, 4, true],
    ] as const) {
      for (let bit = 32; bit < segment.length * 8; bit++) {
        const copy = segment.slice();
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await refuses(() => decryptSegment(reader, copy, position, isFinal), 'ERR_AUTHENTICATION');
      }
    }
  });
  it('counter: positions past the limit are refused', () => {
    expect(() => decryptSegment(reader, internal, MAX_SEGMENTS - 1, false)).toThrow(RangeError);
    expect(() => decryptSegment(reader, final, MAX_SEGMENTS, true)).toThrow(RangeError);
    expect(() => decryptSegment(reader, final, -1, true)).toThrow(RangeError);
    expect(() => decryptSegment(reader, final, 4, 'yes' as unknown as boolean)).toThrow(TypeError);
    expect(() => decryptSegment(reader, 'data' as unknown as Uint8Array, 4, true)).toThrow(TypeError);
  });
  it('a refused segment leaves the state usable', async () => {
    await refuses(() => decryptSegment(reader, internal, 2, false), 'ERR_AUTHENTICATION');
    expect(decryptSegment(reader, internal, 3, false)).toEqual(bytes(FULL));
  });
});

describe('positions far out', () => {
  it.each([2 ** 20 - 1, 2 ** 20, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, 2 ** 40 - 2])('position %d', (position) => {
    const { writer, reader } = pair();
    const segment = encryptSegment(writer, bytes(FULL), position, false);
    expect(decryptSegment(reader, segment, position, false)).toEqual(bytes(FULL));
  });
});

describe('segment key rotation', () => {
  it('another rotation mask opens only the segments that share the first key', async () => {
    const { state: writer, header } = startEncryption(KEY, AAD, { segmentLength: 40, rotationMask: 1 });
    const reader = startDecryption(KEY, AAD, header, { segmentLength: 40, rotationMask: 2 });
    const opens = (position: number): Uint8Array =>
      decryptSegment(reader, encryptSegment(writer, bytes(FULL), position, false), position, false);
    for (const same of [0, 1, 4, 5]) expect(opens(same)).toEqual(bytes(FULL));
    for (const other of [2, 3, 6, 7]) await refuses(() => opens(other), 'ERR_AUTHENTICATION');
  });

  it('changes at 2^20 by default', async () => {
    const { state: writer, header } = startEncryption(KEY, AAD, PARAMS);
    const never = startDecryption(KEY, AAD, header, { segmentLength: 40, rotationMask: 40 });
    const at = (position: number): Uint8Array =>
      decryptSegment(never, encryptSegment(writer, bytes(FULL), position, false), position, false);
    expect(at(2 ** 20 - 1)).toEqual(bytes(FULL));
    await refuses(() => at(2 ** 20), 'ERR_AUTHENTICATION');
  });

  it('works back and forth over the rotation', () => {
    const { writer, reader } = pair({ segmentLength: 40, rotationMask: 0 });
    for (const position of [5, 0, 5, 1, 0, 2 ** 33, 1]) {
      const segment = encryptSegment(writer, bytes(FULL, position), position, false);
      expect(decryptSegment(reader, segment, position, false)).toEqual(bytes(FULL, position));
    }
  });
});

describe('misuse', () => {
  it('a state works in the direction it was started for only', () => {
    const { writer, reader } = pair();
    const segment = encryptSegment(writer, bytes(4), 0, true);
    expect(() => decryptSegment(writer, segment, 0, true)).toThrow(TypeError);
    expect(() => encryptSegment(reader, bytes(4), 0, true)).toThrow(TypeError);
    expect(() => encryptSegmentParts(reader, bytes(4), 0, true)).toThrow(TypeError);
  });

  it('use after close is refused; closing twice is fine', () => {
    const { writer, reader } = pair();
    const segment = encryptSegment(writer, bytes(4), 0, true);
    for (const state of [writer, reader, writer, reader]) state.close();
    expect(() => encryptSegment(writer, bytes(4), 0, true)).toThrow(TypeError);
    expect(() => encryptSegmentParts(writer, bytes(4), 0, true)).toThrow(TypeError);
    expect(() => decryptSegment(reader, segment, 0, true)).toThrow(TypeError);
  });

  it('only a state is a state', () => {
    for (const fake of [{}, { close() {} }, undefined, 7]) {
      expect(() => encryptSegment(fake as unknown as FloeState, bytes(4), 0, true)).toThrow(TypeError);
      expect(() => decryptSegment(fake as unknown as FloeState, bytes(36), 0, true)).toThrow(TypeError);
    }
  });

  it('a state shows nothing of itself', async () => {
    const { inspect } = await import('node:util');
    const { writer } = pair();
    encryptSegment(writer, bytes(4), 0, true);
    expect(Object.keys(writer)).toEqual([]);
    expect(JSON.stringify(writer)).toBe('{}');
    expect(inspect(writer, { showHidden: true, depth: 9 })).toBe('FloeState {}');
  });
});
