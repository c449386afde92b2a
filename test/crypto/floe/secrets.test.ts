import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  decrypt,
  decryptStream,
  encrypt,
  encryptStream,
  OnlineDecryptor,
  OnlineEncryptor,
} from '../../../src/crypto/floe/index.ts';
import {
  decryptSegment,
  encryptSegment,
  startDecryption,
  startEncryption,
  verifyHeader,
} from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, collect, inChunks, KEY, refuses } from './floe-messages.ts';

/** Everything that was ever allocated for a secret, every HMAC output, every plaintext that a decipher handed out. */
const { secrets, digests, plaintexts } = vi.hoisted(() => ({
  secrets: [] as Uint8Array[],
  digests: [] as Uint8Array[],
  plaintexts: [] as Uint8Array[],
}));

vi.mock('../../../src/crypto/secrets.ts', async (original) => {
  const real = await original<typeof import('../../../src/crypto/secrets.ts')>();
  return {
    ...real,
    allocateSecret(length: number) {
      const secret = real.allocateSecret(length);
      secrets.push(secret);
      return secret;
    },
    adoptSecret(made: Buffer) {
      const secret = real.adoptSecret(made);
      secrets.push(secret);
      digests.push(secret);
      return secret;
    },
  };
});

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  return {
    ...real,
    createDecipheriv(...args: Parameters<typeof real.createDecipheriv>) {
      const decipher = real.createDecipheriv(...args);
      const update = decipher.update.bind(decipher) as (data: Uint8Array) => Buffer;
      decipher.update = ((data: Uint8Array) => {
        const plaintext = update(data);
        plaintexts.push(plaintext);
        return plaintext;
      }) as typeof decipher.update;
      return decipher;
    },
  };
});

afterEach(() => {
  secrets.length = 0;
  digests.length = 0;
  plaintexts.length = 0;
});

const PARAMS = { segmentLength: 40, rotationMask: 1 };
const isZero = (secret: Uint8Array): boolean => secret.every((byte) => byte === 0);
const live = (): number => secrets.filter((secret) => !isZero(secret)).length;

describe('secrets are zeroed on close (ATTACKS 26)', () => {
  it('a state holds its message key and at most one segment key, and zeroes both', () => {
    const { state, header } = startEncryption(KEY, AAD, PARAMS);
    const segments = [0, 1, 2].map((i) => encryptSegment(state, bytes(8), i, false));
    expect(live()).toBe(2);
    state.close();
    expect(live()).toBe(0);
    const reader = startDecryption(KEY, AAD, header, PARAMS);
    segments.forEach((segment, i) => decryptSegment(reader, segment, i, false));
    expect(secrets.filter((secret) => !isZero(secret)).map(({ length }) => length)).toEqual([48, 48]);
    // From its second use on, a segment key is where only OpenSSL has it.
    decryptSegment(reader, segments[2] as Uint8Array, 2, false);
    expect(secrets.filter((secret) => !isZero(secret)).map(({ length }) => length)).toEqual([48]);
    reader.close();
    expect(live()).toBe(0);
    expect(secrets.length).toBeGreaterThan(4);
  });

  it('secrets have memory of their own, which the collector does not move', () => {
    startEncryption(KEY, AAD, PARAMS).state.close();
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(secret.buffer.byteLength).toBe(secret.length);
  });

  it('a derivation leaves nothing but its result', () => {
    const { state } = startEncryption(KEY, AAD, PARAMS);
    encryptSegment(state, bytes(8), 0, false);
    expect(digests.length).toBe(3);
    // The message key and the segment key, for as long as the state is open.
    expect(digests.filter((digest) => !isZero(digest)).length).toBe(2);
    state.close();
    expect(digests.every(isZero)).toBe(true);
  });

  it('a segment key is zeroed when another one takes its place', () => {
    const { state } = startEncryption(KEY, AAD, PARAMS);
    for (const position of [0, 2, 4]) {
      encryptSegment(state, bytes(8), position, false);
      expect(live()).toBe(2);
    }
    state.close();
  });

  it('a segment key is derived once for all the segments that share it', () => {
    const { state } = startEncryption(KEY, AAD, PARAMS);
    const derived = [0, 1, 2, 3].map((position) => {
      encryptSegment(state, bytes(8), position, false);
      return digests.length;
    });
    // Header tag and message key, and then a key for two segments.
    expect(derived).toEqual([3, 3, 4, 4]);
    state.close();
  });

  it('verifyHeader and a refused header leave nothing', async () => {
    const { state, header } = startEncryption(KEY, AAD, PARAMS);
    state.close();
    verifyHeader(KEY, AAD, header, PARAMS);
    await refuses(() => startDecryption(bytes(32, 7), AAD, header, PARAMS), 'ERR_AUTHENTICATION');
    expect(live()).toBe(0);
  });

  it('one-shot, also when it fails', async () => {
    const message = encrypt(KEY, AAD, bytes(50), PARAMS);
    decrypt(KEY, AAD, message, PARAMS);
    await refuses(() => decrypt(KEY, AAD, message.subarray(0, 100), PARAMS), 'ERR_TRUNCATED');
    await refuses(() => decrypt(KEY, AAD, message.subarray(0, 10), PARAMS), 'ERR_TRUNCATED');
    expect(secrets.length).toBeGreaterThan(0);
    expect(live()).toBe(0);
  });

  it('online, at the final segment', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    const segment = encryptor.encryptLastSegment(bytes(3));
    expect(live()).toBe(0);
    const decryptor = new OnlineDecryptor(KEY, AAD, encryptor.header, PARAMS);
    expect(live()).toBe(1);
    decryptor.decryptAnySegment(segment);
    expect(live()).toBe(0);
  });

  it('streams: at the end, on failure, when the consumer breaks off, and when they are never started', async () => {
    const message = await collect(encryptStream(KEY, AAD, [bytes(50)], PARAMS));
    await collect(decryptStream(KEY, AAD, inChunks(message, [9]), PARAMS));
    expect(live()).toBe(0);
    await refuses(() => collect(decryptStream(KEY, AAD, [message.subarray(0, 120)], PARAMS)), 'ERR_TRUNCATED');
    await refuses(() => collect(decryptStream(KEY, AAD, [message.subarray(0, 20)], PARAMS)), 'ERR_TRUNCATED');
    expect(live()).toBe(0);
    for await (const _ of encryptStream(KEY, AAD, [bytes(50)], PARAMS)) break;
    for await (const _ of decryptStream(KEY, AAD, [message], PARAMS)) break;
    expect(live()).toBe(0);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield message.subarray(0, 120);
      throw new Error('disk gone');
    }
    for (const stream of [encryptStream, decryptStream]) {
      await expect(collect(stream(KEY, AAD, failing(), PARAMS))).rejects.toThrow('disk gone');
      expect(live()).toBe(0);
      const unread = stream(KEY, AAD, [], PARAMS);
      expect(live()).toBe(1);
      await unread.return();
      expect(live()).toBe(0);
      const failed = stream(KEY, AAD, [], PARAMS);
      await expect(failed.throw(new Error('stop'))).rejects.toThrow('stop');
      expect(live()).toBe(0);
    }
  });

  it('a stream keeps its copy of the key only until the header was read', async () => {
    const stream = decryptStream(KEY, AAD, [encrypt(KEY, AAD, bytes(50), PARAMS)], PARAMS);
    expect(secrets.filter((secret) => !isZero(secret)).map((secret) => secret.length)).toEqual([32]);
    await stream.next();
    expect(secrets.filter((secret) => !isZero(secret)).map((secret) => secret.length)).toEqual([48, 48]);
    await stream.return();
  });

  it('the caller’s key is never zeroed', async () => {
    const key = KEY.slice();
    const message = await collect(encryptStream(key, AAD, [bytes(50)], PARAMS));
    await collect(decryptStream(key, AAD, [message], PARAMS));
    startEncryption(key, AAD, PARAMS).state.close();
    expect(key).toEqual(KEY);
  });
});

describe('plaintext that failed to authenticate', () => {
  it('is zeroed and never returned', async () => {
    const { state, header } = startEncryption(KEY, AAD, PARAMS);
    const segment = encryptSegment(state, bytes(8), 0, true);
    segment[39] = (segment[39] ?? 0) ^ 1;
    const reader = startDecryption(KEY, AAD, header, PARAMS);
    await refuses(() => decryptSegment(reader, segment, 0, true), 'ERR_AUTHENTICATION');
    expect(plaintexts.length).toBe(1);
    expect(plaintexts.every(isZero)).toBe(true);
  });
});
