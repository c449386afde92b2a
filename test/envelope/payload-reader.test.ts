import { randomFillSync } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { encryptSegment, startDecryption, startEncryption } from '../../src/crypto/floe/segments.ts';
import { PayloadReader } from '../../src/envelope/payload-reader.ts';
import { shapeOfPlaintext } from '../../src/envelope/payload.ts';
import { bytesSource } from '../../src/envelope/source.ts';
import { collect } from '../support/streams.ts';

const SEGMENT = 2 ** 20;
const params = { segmentLength: SEGMENT };
const aad = new Uint8Array(0);

describe('PayloadReader', () => {
  it('close waits for the read ahead of a stream: a closed descriptor may be another file by then', async () => {
    const key = randomFillSync(new Uint8Array(32));
    const shape = shapeOfPlaintext(3 * SEGMENT, SEGMENT);
    const { state, header } = startEncryption(key, aad, params);
    const segments = Array.from({ length: shape.segments }, (_, position) => {
      const isFinal = position === shape.segments - 1;
      return encryptSegment(state, new Uint8Array(isFinal ? shape.finalLength - 32 : SEGMENT - 32), position, isFinal);
    });
    state.close();
    const payload = Buffer.concat(segments);

    let release: () => void = () => undefined;
    let underWay = 0;
    // Of a handle nothing but `read` is used here; its second read hangs until it is let go.
    const read = async (
      into: Uint8Array,
      at: number,
      length: number,
      offset: number,
    ): Promise<{ bytesRead: number }> => {
      underWay += 1;
      if (offset > 0) await new Promise<void>((resolve) => (release = resolve));
      underWay -= 1;
      into.set(payload.subarray(offset, offset + length), at);
      return { bytesRead: length };
    };
    const source = { ...bytesSource(payload), handle: { read } as unknown as FileHandle };
    const reader = new PayloadReader(source, 0, startDecryption(key, aad, header, params), shape);

    const stream = reader.parts(0, shape.size);
    expect((await stream.next()).value).toHaveLength(SEGMENT - 32);
    expect(underWay).toBe(1);
    let isClosed = false;
    const closing = reader.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    release();
    await closing;
    expect(underWay).toBe(0);
    await expect(stream.next()).rejects.toThrow(new TypeError('the object has been closed'));
    await expect(collect(reader.parts(0, 1))).rejects.toThrow(/closed/);
  });
});
