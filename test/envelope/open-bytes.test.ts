/** Bytes are opened at once, sources piece by piece: what comes out, what is refused and what is told must be the same. */
import { describe, expect, it } from 'vitest';
import { isWaxsealError, open, openObject, type OpenOptions, seal, type SealOptions } from '../../src/index.ts';
import { pattern } from '../support/bytes.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';
import { scaled } from '../tier.ts';
import { generator, testSeed } from './format/objects.ts';

const alice = memoryKey('local:alice');
const bob = memoryKey('local:bob');
const SEGMENT = 4096;
const PLAIN = SEGMENT - 32;

const seed = testSeed();
const next = generator(seed);
const below = (n: number): number => Math.floor(next() * n);

interface Outcome {
  /** The plaintext in hexadecimal, or the code of the error. */
  readonly result: string;
  /** Types and facts of the events, in order. */
  readonly told: readonly string[];
}

type Opening = (options: OpenOptions) => Promise<Uint8Array>;

async function outcome(opening: Opening, options: OpenOptions): Promise<Outcome> {
  const told: string[] = [];
  const observe: OpenOptions['observe'] = ({ time: _time, operation: _operation, ...facts }) => {
    told.push(JSON.stringify(facts));
  };
  try {
    const plaintext = await opening({ ...options, observe });
    return { result: Buffer.from(plaintext).toString('hex'), told };
  } catch (error) {
    if (isWaxsealError(error)) return { result: `${error.code}: ${error.message}`, told };
    return { result: String(error), told };
  }
}

const atOnce =
  (sealed: Uint8Array, keys = [alice]): Opening =>
  (options) =>
    open(sealed, keys, options);

const byPieces =
  (sealed: Uint8Array, keys = [alice]): Opening =>
  async (options) => {
    const read = (offset: number, length: number): Promise<Uint8Array> =>
      Promise.resolve(sealed.slice(offset, offset + length));
    const object = await openObject({ size: sealed.length, read }, keys, options);
    try {
      return await object.read(0);
    } finally {
      await object.close();
    }
  };

async function expectSame(
  sealed: Uint8Array,
  what: string,
  options: OpenOptions = {},
  keys = [alice],
): Promise<string> {
  const [first, second] = [
    await outcome(atOnce(sealed, keys), options),
    await outcome(byPieces(sealed, keys), options),
  ];

  expect(first, what).toEqual(second);
  return first.result;
}

const LAYOUTS = ['attached', 'compact'] as const;
const SIZES = [0, 1, PLAIN - 1, PLAIN, PLAIN + 1, 3 * PLAIN, 3 * PLAIN + 17];

async function sample(
  size: number,
  layout: (typeof LAYOUTS)[number],
  known: boolean,
  more: Pick<SealOptions, 'metadata'> = {},
): Promise<Uint8Array> {
  const options = { layout, segmentLength: SEGMENT, ...more };
  const plaintext = pattern(size);
  return known ? seal(plaintext, [bob, alice], options) : collect(await seal([plaintext], [bob, alice], options));
}

/** What storage, transport and forgers do. */
const DAMAGE: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  'a flipped bit': (bytes) => {
    const at = below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    return bytes;
  },
  'a flipped bit near the beginning': (bytes) => {
    const at = below(Math.min(600, bytes.length));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    return bytes;
  },
  'an end that is missing': (bytes) => bytes.slice(0, below(bytes.length)),
  'an end that is missing from a segment on': (bytes) =>
    bytes.slice(0, Math.max(0, bytes.length - SEGMENT * (1 + below(2)))),
  'bytes after its end': (bytes) => new Uint8Array(Buffer.concat([bytes, pattern(1 + below(40))])),
  'zeros in the middle': (bytes) => bytes.fill(0, below(bytes.length), below(bytes.length)),
  'a piece of it in another place': (bytes) => bytes.copyWithin(below(bytes.length), below(bytes.length), bytes.length),
  'a page of zeros': (bytes) => bytes.fill(0, 4096 * below(4), 4096 * (1 + below(4))),
  'slots that have changed places': (bytes) => {
    const first = bytes.slice(4096, 8192);
    bytes.copyWithin(4096, 8192, 12_288);
    bytes.set(first.subarray(0, Math.max(0, bytes.length - 8192)), Math.min(8192, bytes.length));
    return bytes;
  },
};

describe(`opened at once and piece by piece (WAXSEAL_TEST_SEED=${String(seed)})`, () => {
  describe.each(LAYOUTS)('%s', (layout) => {
    it.each(SIZES)('%i bytes, size known and not, with private metadata and without', async (size) => {
      for (const known of [true, false]) {
        for (const metadata of [undefined, { name: 'weights.bin' }]) {
          const sealed = await sample(size, layout, known, { metadata });
          expect(await expectSame(sealed, 'whole')).toBe(Buffer.from(pattern(size)).toString('hex'));
          await expectSame(sealed, 'both keys', {}, [alice, bob]);
          await expectSame(sealed, 'a key that is no recipient', {}, [memoryKey('local:carol')]);
          await expectSame(sealed, 'another id', { expectId: '0'.repeat(32) });
          await expectSame(sealed, 'another context', { expectContext: { a: 'b' } });
          await expectSame(sealed, 'aborted', { signal: AbortSignal.abort(new RangeError('enough')) });
        }
      }
    });

    it.each(Object.keys(DAMAGE))('%s', async (name) => {
      const damage = DAMAGE[name] ?? ((bytes) => bytes);
      const rounds = scaled(20, 400, 20_000);
      const objects = [
        await sample(3 * PLAIN + 17, layout, true, { metadata: { name: 'x' } }),
        await sample(2 * PLAIN, layout, false),
        await sample(0, layout, false),
      ];
      for (let round = 0; round < rounds; round += 1) {
        const object = objects[round % objects.length] ?? new Uint8Array(0);
        await expectSame(damage(object.slice()), `${name}, round ${String(round)}`);
      }
    });
  });

  it('compact: every bit of what stands before the segments', async () => {
    const object = await sample(100, 'compact', true);
    const bits = scaled([below(8)], [0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6, 7]);
    for (let at = 0; at < object.length; at += 1) {
      for (const bit of bits) {
        const changed = object.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await expectSame(changed, `byte ${String(at)}, bit ${String(bit)}`);
      }
    }
  });

  it('progress and information come alike', async () => {
    const sealed = await sample(3 * PLAIN + 17, 'compact', true, { metadata: { name: 'x' } });
    const infos: unknown[] = [];
    await open(sealed, alice, { onInfo: (info) => infos.push(info) });
    const object = await openObject({ size: sealed.length, read: async (o, n) => sealed.slice(o, o + n) }, alice);
    expect(infos).toEqual([object.info]);
    await object.close();
    const done: number[] = [];
    await open(sealed, alice, { onProgress: ({ doneBytes, totalBytes }) => done.push(doneBytes, totalBytes ?? -1) });
    const total = 3 * PLAIN + 17;
    expect(done).toEqual([1, 2, 3].flatMap((n) => [n * PLAIN, total]).concat([total, total]));
  });

  it('a callback that throws ends it, and a header alone is told so', async () => {
    const sealed = await sample(100, 'compact', true);
    const stop = new RangeError('enough');
    const fail = (): never => {
      throw stop;
    };
    await expect(open(sealed, alice, { onInfo: fail })).rejects.toBe(stop);
    await expect(open(sealed, alice, { onProgress: fail })).rejects.toBe(stop);
    const { header } = await seal(pattern(9), alice, { layout: 'detached' });
    await expectSame(header, 'a header');
  });
});
