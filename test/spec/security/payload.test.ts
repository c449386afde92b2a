/** SPEC.md section 21: secrecy, and what holds the payload together. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/bytes/index.ts';
import { encodeRecipients } from '../../../src/envelope/format/recipients.ts';
import { inspect, openObject, openRange, verify } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { crafted, entryFor, fieldsOf, random } from './insider.ts';
import {
  changed,
  expectOpens,
  flipped,
  headerOf,
  LAYOUTS,
  opened,
  outcome,
  partsOf,
  payloadOf,
  plaintext,
  sealAs,
  sealUnsized,
  type Sealed,
  SEGMENT,
  streamed,
  withPayload,
} from './objects.ts';

/** All bytes of an object. */
const bytesOf = (sealed: Sealed): Uint8Array =>
  sealed instanceof Uint8Array ? sealed : concat(sealed.header, sealed.payload);

/** Whether any 8 bytes that follow each other in `secret` stand in `bytes`. */
function shows(bytes: Uint8Array, secret: Uint8Array): boolean {
  const [within, sought] = [Buffer.from(bytes), Buffer.from(secret)];
  for (let at = 0; at + 8 <= secret.length; at += 1) if (within.includes(sought.subarray(at, at + 8))) return true;
  return false;
}

/** Blocks of 16 bytes, wherever they stand. */
function blocks(bytes: Uint8Array): Set<string> {
  const out = new Set<string>();
  for (let at = 0; at + 16 <= bytes.length; at += 1)
    out.add(Buffer.from(bytes.subarray(at, at + 16)).toString('latin1'));
  return out;
}

describe('[S1] Nothing of the plaintext is learnt but its length', () => {
  it.each(LAYOUTS)('%s: equal lengths give equal lengths, and no ciphertext comes twice', async (layout) => {
    const key = freshKey();
    const zeros = new Uint8Array(plaintext.length);
    const sealed = await Promise.all([plaintext, plaintext, zeros].map((data) => sealAs(layout, key, {}, data)));
    for (const one of sealed) {
      expect(bytesOf(one)).toHaveLength(bytesOf(sealed[0] as Sealed).length);
      for (const dataKey of key.wrapped) expect(shows(bytesOf(one), dataKey)).toBe(false);
      expect(shows(bytesOf(one), plaintext)).toBe(false);
    }
    const [a, b, c] = await Promise.all(sealed.map(async (one) => blocks((await partsOf(one)).segments)));
    for (const [x, y] of [
      [a, b],
      [a, c],
      [b, c],
    ]) {
      expect([...(x ?? [])].filter((block) => y?.has(block))).toEqual([]);
    }
    // Of three segments of zeros no two blocks are alike either.
    expect(c?.size).toBe((await partsOf(sealed[2] as Sealed)).segments.length - 15);
  });
});

describe('[S2] Nothing of the private metadata is learnt but whether there is any, and the length of its encoding, rounded up to 64 bytes', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const lengthOf = async (name: string): Promise<number> => {
      const sealed = await sealAs(layout, key, { metadata: { name } });
      expect(shows(headerOf(sealed), new TextEncoder().encode(name))).toBe(false);
      return (await partsOf(sealed)).meta.length;
    };
    expect(await lengthOf('a')).toBe(12 + 64 + 16);
    // A map, a key and a length: 60 characters are 64 bytes.
    expect(await lengthOf('payroll-2026'.repeat(5))).toBe(12 + 64 + 16);
    expect(await lengthOf(`${'payroll-2026'.repeat(5)}!`)).toBe(12 + 128 + 16);
    expect((await partsOf(await sealAs(layout, key, { metadata: undefined }))).meta).toHaveLength(0);
  });
});

describe('[S3] Plaintext of a segment is authentic when it comes out', () => {
  it.each(LAYOUTS)('%s: a bit of the second of three segments', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const { segments } = await partsOf(sealed);
    const start = payloadOf(sealed).length - segments.length;
    const full = SEGMENT - 32;
    for (const at of [4, 15, 16, 2000, SEGMENT - 17, SEGMENT - 16, SEGMENT - 1]) {
      const broken = withPayload(sealed, flipped(payloadOf(sealed), start + SEGMENT + at, at % 8));
      expect(await outcome(broken, key)).toBe('ERR_AUTHENTICATION');
      const { given } = await streamed(broken, key);
      expect(given).toEqual(plaintext.subarray(0, full));
      await using object = await openObject(broken, key);
      expect(await object.read(0, full)).toEqual(plaintext.subarray(0, full));
      expect(await object.read(2 * full)).toEqual(plaintext.subarray(2 * full));
      await expect(object.read(full - 1, full + 1)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
      expect((await verify(broken, key)).ok).toBe(false);
    }
  });
});

/** The three segments of an object, in any order and number. */
const reordered = (sealed: Sealed, order: readonly number[]): Promise<Sealed> =>
  changed(sealed, ({ segments }) => ({
    segments: concat(...order.map((i) => segments.subarray(i * SEGMENT, (i + 1) * SEGMENT))),
  }));

/** What section 12 has for a payload that is not as it was sealed; readers of streams may name another of them. */
const refusals = new Set(['ERR_AUTHENTICATION', 'ERR_TRUNCATED', 'ERR_TRAILING_DATA', 'ERR_MALFORMED']);

describe('[S4] Segments that were exchanged, repeated or left out are refused', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    for (const sealed of [await sealAs(layout, key), await sealUnsized(layout, key)]) {
      expect(await outcome(await reordered(sealed, [0, 1, 2]), key)).toBe('opens');
      expect(await outcome(await reordered(sealed, [1, 0, 2]), key)).toBe('ERR_AUTHENTICATION');
      expect(await outcome(await reordered(sealed, [0, 0, 2]), key)).toBe('ERR_AUTHENTICATION');
      const orders = [[0, 2], [1, 2], [2], [0, 0, 1, 2], [0, 1, 1, 2], [0, 1, 2, 2], [2, 0, 1], [0, 2, 1], [0, 1], []];
      for (const order of orders) {
        const got = await outcome(await reordered(sealed, order), key);
        for (const code of got.split(', as a stream ')) {
          expect(refusals.has(code), `${order.join()}: ${got}`).toBe(true);
        }
        const { given } = await streamed(await reordered(sealed, order), key);
        expect(given).toEqual(plaintext.subarray(0, given.length));
      }
    }
  });
});

describe('[S5] Segments of another object are refused, also under the same keys', () => {
  it.each(LAYOUTS)('%s: each segment, alone and with the others', async (layout) => {
    const key = freshKey();
    // The same plaintext: only the keys of the segments differ.
    const [sealed, donor] = [await sealAs(layout, key), await partsOf(await sealAs(layout, key))];
    const { segments } = await partsOf(sealed);
    for (const taken of [1, 2, 3, 4, 5, 6, 7]) {
      const mixed = segments.slice();
      for (const i of [0, 1, 2].filter((position) => (taken >> position) & 1)) {
        mixed.set(donor.segments.subarray(i * SEGMENT, (i + 1) * SEGMENT), i * SEGMENT);
      }
      expect(await outcome(await changed(sealed, () => ({ segments: mixed })), key)).toBe('ERR_AUTHENTICATION');
    }
  });
});

describe('[S6] With a size in the core, a payload of any other length is refused', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const { segments } = await partsOf(sealed);
    for (const length of [0, 1, 31, 32, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, segments.length - 1]) {
      const short = await changed(sealed, () => ({ segments: segments.subarray(0, length) }));
      await expect(openObject(short, key)).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
      await expect(openRange(short, key, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'ERR_TRUNCATED' });
      const { given, end } = await streamed(short, key);
      expect(end).not.toBe('opens');
      expect(given).toEqual(plaintext.subarray(0, given.length));
      expect((await verify(short, key)).size).toBeUndefined();
    }
    for (const more of [Uint8Array.of(0), segments.subarray(-100), segments.subarray(0, SEGMENT)]) {
      const long = await changed(sealed, () => ({ segments: concat(segments, more) }));
      await expect(openObject(long, key)).rejects.toMatchObject({ code: 'ERR_TRAILING_DATA' });
      const { given, end } = await streamed(long, key);
      expect(['ERR_TRAILING_DATA', 'ERR_AUTHENTICATION']).toContain(end);
      expect(given).toEqual(plaintext.subarray(0, given.length));
      expect((await verify(long, key)).ok).toBe(false);
    }
  });

  it.each(LAYOUTS)('%s: also where somebody who held the data key wrote the wrong size', async (layout) => {
    const [key, dataKey] = [freshKey(), random(32)];
    for (const [size, code] of [
      [99, 'ERR_TRAILING_DATA'],
      [100, 'opens'],
      [101, 'ERR_TRUNCATED'],
      [5000, 'ERR_TRUNCATED'],
    ] as const) {
      const fields = new Map(fieldsOf(1)).set(8, size);
      const object = await crafted(layout, dataKey, fields, async (bind) =>
        encodeRecipients([await entryFor(key, dataKey, bind)]),
      );
      expect(await outcome(object, key)).toBe(code);
    }
  });
});

describe('[S7] Without a size in the core, a payload that was cut anywhere, also at a segment boundary, never shows a size, an end, a range past the end or a suffix range', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    // The last length is that of two full segments: where it is cut, what is left has only full ones.
    for (const size of [plaintext.length, 2 * (SEGMENT - 32)]) {
      const sealed = await sealUnsized(layout, key, plaintext.subarray(0, size));
      expect((await inspect(headerOf(sealed))).size).toBeUndefined();
      await expectOpens(sealed, key, plaintext.subarray(0, size));
      const { segments } = await partsOf(sealed);
      for (const length of [
        0,
        31,
        32,
        100,
        SEGMENT,
        SEGMENT + 31,
        SEGMENT + 500,
        segments.length - SEGMENT,
        segments.length - 1,
      ]) {
        const short = await changed(sealed, () => ({ segments: segments.subarray(0, length) }));
        const refused = { code: expect.stringMatching(/^ERR_(TRUNCATED|AUTHENTICATION)$/) as string };
        await expect(openObject(short, key)).rejects.toMatchObject(refused);
        for (const range of [{ start: 0 }, { start: 1_000_000 }, { range: 'bytes=-10' }, { range: 'bytes=20000-' }]) {
          await expect(openRange(short, key, range)).rejects.toMatchObject(refused);
        }
        await expect(opened(short, key)).rejects.toMatchObject(refused);
        const { given, end } = await streamed(short, key);
        expect(end).toMatch(/^ERR_(TRUNCATED|AUTHENTICATION)$/);
        expect(given).toEqual(plaintext.subarray(0, given.length));
        expect((await verify(short, key)).size).toBeUndefined();
      }
    }
  });
});
