import { describe, expect, it } from 'vitest';
import { decrypt, MAX_SEGMENTS, OnlineDecryptor, OnlineEncryptor } from '../../../src/crypto/floe/index.ts';
import { decryptSegment, encryptSegment, startDecryption, startEncryption } from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, join, KEY, refuses } from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };

/** Nobody can encrypt 2^40 segments in a test. */
function setCounter(online: OnlineEncryptor | OnlineDecryptor, counter: number): void {
  (online as unknown as { counter: number }).counter = counter;
}

describe('OnlineEncryptor', () => {
  it('writes a message that opens', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    const segments = [encryptor.encryptSegment(bytes(8)), encryptor.encryptSegment(bytes(8, 4))];
    const message = join(encryptor.header, [...segments, encryptor.encryptLastSegment(bytes(3))]);
    expect(decrypt(KEY, AAD, message, PARAMS)).toEqual(join(bytes(8), [bytes(8, 4), bytes(3)]));
  });

  it('closed: nothing after the final segment, so never two final segments (ATTACKS 8)', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    encryptor.encryptLastSegment(bytes(3));
    expect(() => encryptor.encryptLastSegment(bytes(3))).toThrow(TypeError);
    expect(() => encryptor.encryptSegment(bytes(8))).toThrow(TypeError);
  });

  it('closed: nothing after close', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    encryptor.close();
    encryptor.close();
    expect(() => encryptor.encryptSegment(bytes(8))).toThrow(TypeError);
    expect(() => encryptor.encryptLastSegment(bytes(3))).toThrow(TypeError);
  });

  it('counter: internal segments end at position 2^40 - 2, the final one may stand at 2^40 - 1', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    setCounter(encryptor, MAX_SEGMENTS - 2);
    const reader = startDecryption(KEY, AAD, encryptor.header, PARAMS);
    const internal = encryptor.encryptSegment(bytes(8));
    expect(decryptSegment(reader, internal, MAX_SEGMENTS - 2, false)).toEqual(bytes(8));
    expect(() => encryptor.encryptSegment(bytes(8))).toThrow(RangeError);
    const final = encryptor.encryptLastSegment(bytes(8));
    expect(decryptSegment(reader, final, MAX_SEGMENTS - 1, true)).toEqual(bytes(8));
  });

  it('counter: a refused plaintext uses up no position', () => {
    const encryptor = new OnlineEncryptor(KEY, AAD, PARAMS);
    expect(() => encryptor.encryptSegment(bytes(7))).toThrow(RangeError);
    expect(() => encryptor.encryptLastSegment(bytes(9))).toThrow(RangeError);
    const message = join(encryptor.header, [
      encryptor.encryptSegment(bytes(8)),
      encryptor.encryptLastSegment(bytes(1)),
    ]);
    expect(decrypt(KEY, AAD, message, PARAMS).length).toBe(9);
  });
});

describe('OnlineDecryptor', () => {
  const { state, header } = startEncryption(KEY, AAD, PARAMS);
  const internal = [0, 1].map((position) => encryptSegment(state, bytes(8, position), position, false));
  const final = encryptSegment(state, bytes(5), 2, true);
  const [first = final, second = final] = internal;
  const open = (): OnlineDecryptor => new OnlineDecryptor(KEY, AAD, header, PARAMS);

  it('reads a message in order and knows when it is whole', () => {
    const decryptor = open();
    expect(decryptor.decryptSegment(first)).toEqual(bytes(8, 0));
    expect(decryptor.decryptSegment(second)).toEqual(bytes(8, 1));
    expect(decryptor.finished).toBe(false);
    expect(decryptor.decryptLastSegment(final)).toEqual(bytes(5));
    expect(decryptor.finished).toBe(true);
  });

  it('decryptAnySegment takes final or internal from the marker', () => {
    const decryptor = open();
    const plaintexts = [first, second, final].map((segment) => decryptor.decryptAnySegment(segment));
    expect(join(new Uint8Array(), plaintexts)).toEqual(join(bytes(8, 0), [bytes(8, 1), bytes(5)]));
    expect(decryptor.finished).toBe(true);
  });

  it('decryptAnySegment takes an empty final segment', () => {
    const { state: writer, header: head } = startEncryption(KEY, AAD, PARAMS);
    const decryptor = new OnlineDecryptor(KEY, AAD, head, PARAMS);
    expect(decryptor.decryptAnySegment(encryptSegment(writer, bytes(0), 0, true))).toHaveLength(0);
    expect(decryptor.finished).toBe(true);
  });

  it('associated data are copied: the caller may use the buffer again', () => {
    const aad = AAD.slice();
    const decryptor = new OnlineDecryptor(KEY, aad, header, PARAMS);
    aad.fill(0);
    expect(decryptor.decryptSegment(first)).toEqual(bytes(8, 0));
    const mine = AAD.slice();
    const encryptor = new OnlineEncryptor(KEY, mine, PARAMS);
    mine.fill(0);
    const message = join(encryptor.header, [encryptor.encryptLastSegment(bytes(3))]);
    expect(decrypt(KEY, AAD, message, PARAMS)).toEqual(bytes(3));
  });

  it('decryptAnySegment refuses what is shorter than any segment', async () => {
    for (let n = 0; n < 32; n++) await refuses(() => open().decryptAnySegment(first.subarray(0, n)), 'ERR_TRUNCATED');
    expect(() => open().decryptAnySegment('x' as unknown as Uint8Array)).toThrow(TypeError);
  });

  it('order: skipped, repeated and early segments are refused', async () => {
    await refuses(() => open().decryptSegment(second), 'ERR_AUTHENTICATION');
    await refuses(() => open().decryptLastSegment(final), 'ERR_AUTHENTICATION');
    const decryptor = open();
    decryptor.decryptSegment(first);
    await refuses(() => decryptor.decryptSegment(first), 'ERR_AUTHENTICATION');
    await refuses(() => decryptor.decryptLastSegment(final), 'ERR_AUTHENTICATION');
    // A refused segment counts for nothing.
    expect(decryptor.finished).toBe(false);
    expect(decryptor.decryptSegment(second)).toEqual(bytes(8, 1));
  });

  it('final flag: the wrong function for a segment is refused', async () => {
    await refuses(() => open().decryptLastSegment(first), 'ERR_TRUNCATED');
    const decryptor = open();
    decryptor.decryptSegment(first);
    decryptor.decryptSegment(second);
    await refuses(() => decryptor.decryptSegment(final), 'ERR_TRUNCATED', 'ERR_AUTHENTICATION');
    expect(decryptor.finished).toBe(false);
  });

  it('closed: nothing after the final segment or after close', () => {
    const decryptor = open();
    for (const segment of [first, second, final]) decryptor.decryptAnySegment(segment);
    expect(() => decryptor.decryptAnySegment(final)).toThrow(TypeError);
    expect(() => decryptor.decryptSegment(first)).toThrow(TypeError);
    expect(() => decryptor.decryptLastSegment(final)).toThrow(TypeError);
    const closed = open();
    closed.close();
    closed.close();
    expect(closed.finished).toBe(false);
    expect(() => closed.decryptSegment(first)).toThrow(TypeError);
  });

  it('counter: an internal segment where only a final one may stand is over the limit', async () => {
    const { state: writer, header: head } = startEncryption(KEY, AAD, PARAMS);
    const decryptor = new OnlineDecryptor(KEY, AAD, head, PARAMS);
    setCounter(decryptor, MAX_SEGMENTS - 2);
    decryptor.decryptSegment(encryptSegment(writer, bytes(8), MAX_SEGMENTS - 2, false));
    await refuses(() => decryptor.decryptSegment(first), 'ERR_LIMIT_EXCEEDED');
    await refuses(() => decryptor.decryptAnySegment(first), 'ERR_LIMIT_EXCEEDED');
    expect(decryptor.decryptAnySegment(encryptSegment(writer, bytes(2), MAX_SEGMENTS - 1, true))).toEqual(bytes(2));
  });
});
