import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encrypt,
  encryptStream,
  decryptStream,
  type FloeParams,
  floePlaintextSize,
  floeSegmentCount,
  floeSize,
  HEADER_LENGTH,
  OnlineEncryptor,
} from '../../../src/crypto/floe/index.ts';
import { encryptParts, SEGMENT_IV_LENGTH } from '../../../src/crypto/floe/segment-cipher.ts';
import { encryptSegment, encryptSegmentParts, startEncryption } from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, collect, inChunks, join, KEY, RANDOM_ACCESS, READERS, split } from './floe-messages.ts';

const paramsOf = fc.record({
  segmentLength: fc.oneof(fc.integer({ min: 33, max: 80 }), fc.constantFrom(33, 40, 64, 256, 4096)),
  rotationMask: fc.constantFrom(0, 1, 2, 20, 40, undefined),
});
const plaintextOf = fc.uint8Array({ maxLength: 600 });
const sizesOf = fc
  .array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 5 })
  .filter((s) => s.some((n) => n > 0));
const keyOf = fc.uint8Array({ minLength: 32, maxLength: 32 });
const aadOf = fc.uint8Array({ maxLength: 100 });

type Writer = (key: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, params: FloeParams) => Promise<Uint8Array>;

const bySegment: Writer = async (key, aad, plaintext, params) => {
  const { state, header } = startEncryption(key, aad, params);
  const full = params.segmentLength - 32;
  const count = floeSegmentCount(plaintext.length, params);
  const segments: Uint8Array[] = [];
  // Last position first: a writer may work in any order.
  for (let i = count - 1; i >= 0; i--) {
    segments.unshift(encryptSegment(state, plaintext.subarray(i * full, (i + 1) * full), i, i === count - 1));
  }
  state.close();
  return join(header, segments);
};

const online: Writer = async (key, aad, plaintext, params) => {
  const encryptor = new OnlineEncryptor(key, aad, params);
  const full = params.segmentLength - 32;
  const segments: Uint8Array[] = [];
  let rest = plaintext;
  for (; rest.length > full; rest = rest.subarray(full))
    segments.push(encryptor.encryptSegment(rest.subarray(0, full)));
  segments.push(encryptor.encryptLastSegment(rest));
  return join(encryptor.header, segments);
};

const WRITERS: Readonly<Record<string, Writer>> = {
  'one-shot': async (key, aad, plaintext, params) => encrypt(key, aad, plaintext, params),
  streamed: (key, aad, plaintext, params) => collect(encryptStream(key, aad, [plaintext], params)),
  online,
  'segment by segment': bySegment,
};

describe('round trip', () => {
  it.each(Object.entries(WRITERS))('any key, data and parameters, written %s, opens in every way', async (_, write) => {
    await fc.assert(
      fc.asyncProperty(keyOf, aadOf, plaintextOf, paramsOf, async (key, aad, plaintext, params) => {
        const message = await write(key, aad, plaintext, params);
        expect(message.length).toBe(floeSize(plaintext.length, params));
        expect(floePlaintextSize(message.length - HEADER_LENGTH, params)).toBe(plaintext.length);
        for (const read of Object.values(READERS)) {
          expect(Buffer.compare(await read(key, aad, message, params), plaintext)).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('any chunking in, any chunking back', async () => {
    await fc.assert(
      fc.asyncProperty(plaintextOf, paramsOf, sizesOf, sizesOf, async (plaintext, params, cuts, others) => {
        const message = await collect(encryptStream(KEY, AAD, inChunks(plaintext, cuts), params));
        expect(message.length).toBe(floeSize(plaintext.length, params));
        const back = await collect(decryptStream(KEY, AAD, inChunks(message, others), params));
        expect(Buffer.compare(back, plaintext)).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it.each([0, 1, 7, 8, 9, 15, 16, 17, 24, 80])('%i bytes around the edges of segments of 8', async (length) => {
    const params = { segmentLength: 40, rotationMask: 1 };
    const plaintext = bytes(length);
    const message = encrypt(KEY, AAD, plaintext, params);
    const { segments } = split(message, 40);
    expect(segments.length).toBe(Math.max(1, Math.ceil(length / 8)));
    // Every segment but the last is full and internal; the last one is never empty unless the plaintext is.
    for (const segment of segments.slice(0, -1)) expect([...segment.subarray(0, 4)]).toEqual([255, 255, 255, 255]);
    const last = segments.at(-1) ?? new Uint8Array();
    expect(new DataView(last.buffer, last.byteOffset).getUint32(0)).toBe(last.length);
    expect(last.length > 32 || length === 0).toBe(true);
    for (const read of Object.values(READERS)) expect(await read(KEY, AAD, message, params)).toEqual(plaintext);
  });

  it('a message of megabytes, through Node and web streams', async () => {
    const plaintext = bytes(3_000_000);
    const params = { segmentLength: 65536 };
    const node = Readable.from(inChunks(plaintext, [16384, 70000]));
    const message = await collect(encryptStream(KEY, AAD, node, params));
    const web = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of inChunks(message, [50000])) controller.enqueue(chunk);
        controller.close();
      },
    });
    const back = await collect(Readable.from(decryptStream(KEY, AAD, web, params)));
    expect(Buffer.compare(back, plaintext)).toBe(0);
    expect(Buffer.compare(await RANDOM_ACCESS(KEY, AAD, message, params), plaintext)).toBe(0);
  });

  it('parts joined are a segment', async () => {
    const { state, header } = startEncryption(KEY, AAD, { segmentLength: 64 });
    const { prefix, ciphertext, tag } = encryptSegmentParts(state, bytes(20), 0, true);
    expect([prefix.length, ciphertext.length, tag.length]).toEqual([16, 20, 16]);
    expect([...prefix.subarray(0, 4)]).toEqual([0, 0, 0, 52]);
    const message = join(header, [prefix, ciphertext, tag]);
    expect(await RANDOM_ACCESS(KEY, AAD, message, { segmentLength: 64 })).toEqual(bytes(20));
  });

  it('a segment under an IV that was drawn for it', async () => {
    const { state, header } = startEncryption(KEY, AAD, { segmentLength: 64 });
    const iv = bytes(SEGMENT_IV_LENGTH, 9);
    const { prefix, ciphertext, tag } = encryptParts(state, bytes(20), 0, true, iv);
    expect([...prefix]).toEqual([0, 0, 0, 52, ...iv]);
    expect(SEGMENT_IV_LENGTH).toBe(12);
    const message = join(header, [prefix, ciphertext, tag]);
    expect(await RANDOM_ACCESS(KEY, AAD, message, { segmentLength: 64 })).toEqual(bytes(20));
  });

  it('the same plaintext never encrypts to the same bytes twice', () => {
    const plaintext = bytes(20);
    const params = { segmentLength: 64 };
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) seen.add(Buffer.from(encrypt(KEY, AAD, plaintext, params)).toString('hex'));
    const { state } = startEncryption(KEY, AAD, params);
    for (let i = 0; i < 50; i++)
      seen.add(Buffer.from(encryptSegment(state, plaintext, 0, true).subarray(4, 16)).toString('hex'));
    expect(seen.size).toBe(100);
  });
});

describe('buffers', () => {
  it('never changes what the caller gave, and does not keep it', async () => {
    const key = KEY.slice();
    const aad = AAD.slice();
    const plaintext = bytes(100);
    const params = { segmentLength: 40 };
    const message = await collect(encryptStream(key, aad, inChunks(plaintext, [30]), params));
    const kept = message.slice();
    for (const read of Object.values(READERS)) await read(key, aad, message, params);
    encrypt(key, aad, plaintext, params);
    expect([key, aad, plaintext, message]).toEqual([KEY, AAD, bytes(100), kept]);

    // The caller may reuse or zero all of it as soon as the call has returned.
    const reused = bytes(8);
    async function* oneBuffer(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 5; i++) yield reused.fill(i);
      reused.fill(0xff);
    }
    const encrypting = encryptStream(key, aad, oneBuffer(), params);
    key.fill(0);
    aad.fill(0);
    const sealed = await collect(encrypting);
    key.set(KEY);
    aad.set(AAD);
    const one = new Uint8Array(3);
    function* reusing(): Generator<Uint8Array> {
      for (let offset = 0; offset < sealed.length; offset += one.length) {
        const piece = sealed.subarray(offset, offset + one.length);
        one.set(piece);
        yield one.subarray(0, piece.length);
        one.fill(0xee);
      }
    }
    const decrypting = decryptStream(key, aad, reusing(), params);
    key.fill(0);
    aad.fill(0);
    const expected = Uint8Array.from({ length: 40 }, (_, i) => Math.floor(i / 8));
    expect(await collect(decrypting)).toEqual(expected);
  });

  it('gives out plain Uint8Arrays that share no memory', async () => {
    const params = { segmentLength: 40 };
    const chunks: Uint8Array[] = [];
    for await (const chunk of encryptStream(KEY, AAD, [bytes(40)], params)) chunks.push(chunk);
    const pieces: Uint8Array[] = [];
    for await (const piece of decryptStream(KEY, AAD, chunks, params)) pieces.push(piece);
    const all = [...chunks, ...pieces, encrypt(KEY, AAD, bytes(9), params)];
    for (const chunk of all) expect(chunk.constructor).toBe(Uint8Array);
    expect(new Set(all.map((chunk) => chunk.buffer)).size).toBe(all.length);
  });
});
