import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encrypt, HEADER_LENGTH } from '../../../src/crypto/floe/index.ts';
import { encryptSegment, startEncryption } from '../../../src/crypto/floe/segments.ts';
import {
  AAD,
  bytes,
  join,
  KEY,
  RANDOM_ACCESS,
  READERS,
  refuses,
  SEQUENTIAL,
  split,
  VECTOR_AAD,
  VECTOR_KEY,
  VECTORS,
} from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };
const ANY = ['ERR_AUTHENTICATION', 'ERR_MALFORMED', 'ERR_TRUNCATED', 'ERR_TRAILING_DATA'] as const;

const aligned = encrypt(KEY, AAD, bytes(40), PARAMS);
const { header, segments } = split(aligned, 40);
const cut = (...order: number[]): Uint8Array =>
  join(
    header,
    order.map((i) => segments[i] ?? new Uint8Array()),
  );

function withMarker(segment: Uint8Array | undefined, marker: number): Uint8Array {
  const copy = (segment ?? new Uint8Array(4)).slice();
  new DataView(copy.buffer).setUint32(0, marker);
  return copy;
}

describe.each(Object.entries(READERS))('a changed message is refused, %s', (name, read) => {
  const refused = (message: Uint8Array): Promise<void> => refuses(() => read(KEY, AAD, message, PARAMS), ...ANY);

  it('control: unchanged it opens', async () => {
    expect(await read(KEY, AAD, cut(0, 1, 2, 3, 4), PARAMS)).toEqual(bytes(40));
  });

  it('every single bit of a small message flipped', async () => {
    const message = encrypt(KEY, AAD, bytes(20), PARAMS);
    for (let bit = 0; bit < message.length * 8; bit++) {
      const copy = message.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refused(copy);
    }
  });

  it('truncation at every byte, so at every segment boundary and inside every segment (ATTACKS 10)', async () => {
    for (const message of [aligned, encrypt(KEY, AAD, bytes(21), PARAMS)]) {
      for (let length = 0; length < message.length; length++) await refused(message.subarray(0, length));
    }
  });

  it('segments removed from the beginning, the middle and the end', async () => {
    await refused(cut(1, 2, 3, 4));
    await refused(cut(0, 2, 3, 4));
    await refused(cut(0, 1, 2, 4));
    await refused(cut(0, 1, 2, 3));
    await refused(cut(4));
    await refused(cut());
  });

  it('segments in another order', async () => {
    await refused(cut(1, 0, 2, 3, 4));
    await refused(cut(0, 1, 3, 2, 4));
    await refused(cut(0, 1, 2, 4, 3));
    await refused(cut(4, 3, 2, 1, 0));
  });

  it('a segment twice', async () => {
    await refused(cut(0, 0, 1, 2, 3, 4));
    await refused(cut(0, 1, 1, 3, 4));
    await refused(cut(0, 1, 2, 3, 4, 4));
    await refused(cut(0, 1, 2, 3, 3, 4));
  });

  it('segments or header of another message: other key, other associated data, other FLOE IV', async () => {
    for (const other of [
      encrypt(bytes(32, 5), AAD, bytes(40), PARAMS),
      encrypt(KEY, bytes(3), bytes(40), PARAMS),
      encrypt(KEY, AAD, bytes(40), PARAMS),
    ]) {
      const foreign = split(other, 40);
      for (let i = 0; i < segments.length; i++) {
        await refused(
          join(
            header,
            segments.map((own, j) => (i === j ? (foreign.segments[j] ?? own) : own)),
          ),
        );
      }
      await refused(join(foreign.header, segments));
      await refused(join(header, foreign.segments));
    }
  });

  it('bytes after the end', async () => {
    for (const tail of [Uint8Array.of(0), bytes(31), bytes(32), bytes(40), segments[0] ?? bytes(1), aligned]) {
      await refused(join(aligned, [tail]));
      await refused(join(encrypt(KEY, AAD, bytes(3), PARAMS), [tail]));
      await refused(join(encrypt(KEY, AAD, new Uint8Array(), PARAMS), [tail]));
    }
  });

  it('an internal segment made final, with its marker, so that the message seems to end there', async () => {
    for (let i = 0; i < 4; i++) {
      await refused(join(header, [...segments.slice(0, i), withMarker(segments[i], 40)]));
    }
  });

  it('the final segment made internal, with its marker, so that more can follow', async () => {
    const internal = withMarker(segments[4], 0xffffffff);
    await refused(join(header, [...segments.slice(0, 4), internal]));
    await refused(join(header, [...segments.slice(0, 4), internal, segments[4] ?? bytes(1)]));
  });

  it('an empty final segment of the same message put after a cut, at the wrong position', async () => {
    const { state, header: head } = startEncryption(KEY, AAD, PARAMS);
    const full = [0, 1, 2].map((i) => encryptSegment(state, bytes(8, i), i, false));
    const end = encryptSegment(state, new Uint8Array(), 3, true);
    expect((await read(KEY, AAD, join(head, [...full, end]), PARAMS)).length).toBe(24);
    await refused(join(head, [...full.slice(0, 2), end]));
    await refused(join(head, [...full, withMarker(end, 0xffffffff)]));
    await refused(join(head, full));
  });

  it('read with another segment length or rotation mask', async () => {
    await refuses(() => read(KEY, AAD, aligned, { segmentLength: 41 }), 'ERR_MALFORMED');
    const rotated = encrypt(KEY, AAD, bytes(40), { segmentLength: 40, rotationMask: 1 });
    await refuses(() => read(KEY, AAD, rotated, PARAMS), 'ERR_AUTHENTICATION');
    await refuses(() => read(KEY, AAD, rotated, { segmentLength: 40, rotationMask: 0 }), 'ERR_AUTHENTICATION');
    expect(await read(KEY, AAD, rotated, { segmentLength: 40, rotationMask: 1 })).toEqual(bytes(40));
  });

  it('any byte of a vector changed', async () => {
    const vectors = VECTORS.filter((vector) => vector.name.startsWith('java') && vector.message.length < 600);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...vectors), fc.nat(), fc.integer({ min: 1, max: 255 }), async (v, at, flip) => {
        const copy = v.message.slice();
        copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ flip;
        await refuses(() => read(VECTOR_KEY, VECTOR_AAD, copy, v.params), ...ANY);
      }),
      { numRuns: name === 'byte by byte' ? 40 : 100 },
    );
  });
});

describe.each(Object.entries(SEQUENTIAL))('the reason is named, %s', (_, read) => {
  const refusedAs = (message: Uint8Array, code: (typeof ANY)[number]): Promise<void> =>
    refuses(() => read(KEY, AAD, message, PARAMS), code);

  it('ERR_TRUNCATED for data that ends anywhere before its end', async () => {
    for (let length = 0; length < aligned.length; length++)
      await refusedAs(aligned.subarray(0, length), 'ERR_TRUNCATED');
  });
  it('ERR_TRUNCATED for data that ends with an internal segment', async () => {
    await refusedAs(cut(0, 1), 'ERR_TRUNCATED');
    await refusedAs(cut(), 'ERR_TRUNCATED');
  });
  it('ERR_TRAILING_DATA for bytes after the final segment', async () => {
    await refusedAs(join(aligned, [Uint8Array.of(0)]), 'ERR_TRAILING_DATA');
    await refusedAs(cut(0, 1, 2, 3, 4, 4), 'ERR_TRAILING_DATA');
    await refusedAs(join(aligned, [new Uint8Array(100)]), 'ERR_TRAILING_DATA');
  });
  it('ERR_MALFORMED for a marker that is no possible length', async () => {
    for (const marker of [0, 31, 41, 0xfffffffe]) {
      await refusedAs(join(header, [withMarker(segments[0], marker)]), 'ERR_MALFORMED');
      await refusedAs(join(header, [segments[0] ?? bytes(1), withMarker(segments[4], marker)]), 'ERR_MALFORMED');
    }
  });
  it('ERR_AUTHENTICATION for segments that were changed or moved', async () => {
    await refusedAs(cut(1, 0, 2, 3, 4), 'ERR_AUTHENTICATION');
    await refusedAs(cut(0, 1, 2, 4), 'ERR_AUTHENTICATION');
    await refusedAs(join(header, [withMarker(segments[0], 40)]), 'ERR_AUTHENTICATION');
  });
});

it('a reader that takes the length for granted refuses a cut at a segment boundary too', () =>
  refuses(() => RANDOM_ACCESS(KEY, AAD, aligned.subarray(0, HEADER_LENGTH + 80), PARAMS), 'ERR_TRUNCATED'));
