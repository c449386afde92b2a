import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { decryptStream, encrypt, encryptStream, HEADER_LENGTH } from '../../../src/crypto/floe/index.ts';
import { AAD, bytes, collect, inChunks, join, KEY, refuses, split } from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };
const message = encrypt(KEY, AAD, bytes(30), PARAMS);
const { header, segments } = split(message, 40);

/** A source that tells whether it was closed, and how often it was asked. */
function watched(chunks: Iterable<Uint8Array>): {
  source: AsyncIterable<Uint8Array>;
  asked: () => number;
  closed: () => boolean;
} {
  let asked = 0;
  let closed = false;
  async function* run(): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of chunks) {
        asked++;
        yield chunk;
      }
    } finally {
      closed = true;
    }
  }
  return { source: run(), asked: () => asked, closed: () => closed };
}

describe('chunks out', () => {
  it('encryptStream: the header, then one chunk for each segment', async () => {
    const lengths: number[] = [];
    for await (const chunk of encryptStream(KEY, AAD, inChunks(bytes(20), [3]), PARAMS)) lengths.push(chunk.length);
    expect(lengths).toEqual([HEADER_LENGTH, 40, 40, 36]);
  });

  it('decryptStream: one chunk for each segment that is not empty', async () => {
    const lengths: number[] = [];
    for await (const chunk of decryptStream(KEY, AAD, inChunks(message, [7]), PARAMS)) lengths.push(chunk.length);
    expect(lengths).toEqual([8, 8, 8, 6]);
    const empty = encrypt(KEY, AAD, new Uint8Array(), PARAMS);
    for await (const _ of decryptStream(KEY, AAD, [empty], PARAMS)) expect.unreachable();
  });

  it('empty chunks mean nothing', async () => {
    const none = new Uint8Array();
    const sealed = await collect(encryptStream(KEY, AAD, [none, bytes(9), none, none], PARAMS));
    expect(sealed.length).toBe(HEADER_LENGTH + 40 + 33);
    expect(await collect(decryptStream(KEY, AAD, [none, sealed, none], PARAMS))).toEqual(bytes(9));
    expect((await collect(encryptStream(KEY, AAD, [], PARAMS))).length).toBe(HEADER_LENGTH + 32);
  });

  it('plaintext leaves before authentication never, and the last segment not before the end is known', async () => {
    const last = segments.length - 1;
    for (let tampered = 0; tampered < segments.length; tampered++) {
      const changed = segments.map((segment, i) => {
        const copy = segment.slice();
        if (i === tampered) copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
        return copy;
      });
      const out: Uint8Array[] = [];
      await refuses(async () => {
        for await (const chunk of decryptStream(KEY, AAD, inChunks(join(header, changed), [11]), PARAMS))
          out.push(chunk);
      }, 'ERR_AUTHENTICATION');
      expect(join(new Uint8Array(), out)).toEqual(bytes(30).subarray(0, tampered * 8));
    }
    const out: Uint8Array[] = [];
    await refuses(async () => {
      for await (const chunk of decryptStream(KEY, AAD, [message, Uint8Array.of(0)], PARAMS)) out.push(chunk);
    }, 'ERR_TRAILING_DATA');
    expect(join(new Uint8Array(), out)).toEqual(bytes(30).subarray(0, last * 8));
  });

  it('an internal segment leaves as soon as it has arrived, without waiting for the next', async () => {
    const { source, asked } = watched([header, ...segments]);
    const plaintext = decryptStream(KEY, AAD, source, PARAMS);
    expect((await plaintext.next()).value).toEqual(bytes(8));
    expect(asked()).toBe(2);
    await plaintext.return();
  });
});

describe('bounded memory', () => {
  it('asks the source only for what it can give out', async () => {
    const { source, asked } = watched(Array.from({ length: 1000 }, () => bytes(8)));
    const sealed = encryptStream(KEY, AAD, source, PARAMS);
    for (let i = 0; i < 10; i++) await sealed.next();
    expect(asked()).toBeLessThanOrEqual(11);
    await sealed.return();
  });

  it('a large segment length costs nothing where the message is small', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const params = { segmentLength: 2 ** 31 - 1 };
    const sealed = await collect(encryptStream(KEY, AAD, inChunks(bytes(100), [1]), params));
    expect(await collect(decryptStream(KEY, AAD, inChunks(sealed, [1]), params))).toEqual(bytes(100));
    // Forged to look like a huge segment: memory grows with the bytes that arrive, not with what they claim.
    const forged = sealed.slice();
    new DataView(forged.buffer).setUint32(HEADER_LENGTH, 0x7fffffff);
    await refuses(() => collect(decryptStream(KEY, AAD, inChunks(forged, [1]), params)), 'ERR_TRUNCATED');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  });
});

describe.each([
  [
    'encryptStream',
    (source: AsyncIterable<Uint8Array>) => encryptStream(KEY, AAD, source, PARAMS),
    [bytes(30), bytes(30)],
  ],
  ['decryptStream', (source: AsyncIterable<Uint8Array>) => decryptStream(KEY, AAD, source, PARAMS), [message]],
] as const)('%s ends cleanly', (_, start, chunks) => {
  it('closes the source when the consumer breaks off', async () => {
    const { source, closed } = watched(chunks);
    let seen = 0;
    for await (const _chunk of start(source)) if (++seen === 2) break;
    expect(closed()).toBe(true);
  });

  it('passes on what the source throws', async () => {
    const failure = new Error('disk gone');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield chunks[0];
      await setImmediate();
      throw failure;
    }
    await expect(collect(start(failing()))).rejects.toBe(failure);
  });

  it('does not touch the source before it is read from', async () => {
    const { source, asked } = watched(chunks);
    const generator = start(source);
    await setImmediate();
    expect(asked()).toBe(0);
    await generator.return();
    expect(await generator.next()).toEqual({ done: true, value: undefined });
  });
});

it('a source that ends by its own error gives no final segment', async () => {
  const out: Uint8Array[] = [];
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes(20);
    throw new Error('disk gone');
  }
  await expect(
    (async () => {
      for await (const chunk of encryptStream(KEY, AAD, failing(), PARAMS)) out.push(chunk);
    })(),
  ).rejects.toThrow('disk gone');
  await refuses(() => collect(decryptStream(KEY, AAD, out, PARAMS)), 'ERR_TRUNCATED');
});

it('refuses data after the end even when it comes much later', async () => {
  async function* late(): AsyncGenerator<Uint8Array> {
    yield message;
    yield new Uint8Array();
    await setImmediate();
    yield Uint8Array.of(1);
  }
  await refuses(() => collect(decryptStream(KEY, AAD, late(), PARAMS)), 'ERR_TRAILING_DATA');
});
