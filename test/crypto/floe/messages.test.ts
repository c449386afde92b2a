import { describe, expect, it } from 'vitest';
import { isWaxsealError } from '../../../src/errors/index.ts';
import {
  decrypt,
  decryptStream,
  encrypt,
  encryptStream,
  floePlaintextSize,
  floeSegmentCount,
  floeSize,
  type FloeParams,
  HEADER_LENGTH,
  OnlineDecryptor,
} from '../../../src/crypto/floe/index.ts';
import {
  decryptSegment,
  encryptSegment,
  type FloeState,
  startDecryption,
  startEncryption,
  verifyHeader,
} from '../../../src/crypto/floe/segments.ts';
import { AAD, bytes, collect, KEY, split } from './floe-messages.ts';

const PARAMS = { segmentLength: 40 };
const message = encrypt(KEY, AAD, bytes(20), PARAMS);
const { header, segments } = split(message, 40);
const [internal = header, , final = header] = segments;
const { state: writer } = startEncryption(KEY, AAD, PARAMS);
const reader = startDecryption(KEY, AAD, header, PARAMS);

/** A segment that says that it has another length. */
function withMarker(segment: Uint8Array, marker: number): Uint8Array {
  const copy = segment.slice();
  new DataView(copy.buffer).setUint32(0, marker);
  return copy;
}

function changed(source: Uint8Array, at: number): Uint8Array {
  const copy = source.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** What the work is refused with: code, or kind of error, and message. */
async function told(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isWaxsealError(error)) return `${error.code}: ${error.message}`;
    if (error instanceof TypeError || error instanceof RangeError) return `${error.name}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

type Case = readonly [message: string, ...work: (() => unknown)[]];

describe('data that is refused: what the error says', () => {
  const tail = (segment: Uint8Array): Uint8Array => Uint8Array.of(...segment, 0);
  const cases: readonly Case[] = [
    [
      'ERR_AUTHENTICATION: authentication failed: wrong key, or the data was changed',
      () => decrypt(KEY, AAD, changed(message, 100), PARAMS),
      () => decrypt(bytes(32, 9), AAD, message, PARAMS),
      () => decryptSegment(reader, withMarker(internal, 36), 0, false),
    ],
    [
      'ERR_MALFORMED: a FLOE header has 74 bytes, not 73',
      () => startDecryption(KEY, AAD, header.subarray(1), PARAMS),
      () => verifyHeader(KEY, AAD, header.subarray(1), PARAMS),
    ],
    [
      'ERR_MALFORMED: the FLOE header names other parameters (algorithms or segment length) than the ones expected',
      () => decrypt(KEY, AAD, message, { segmentLength: 41 }),
    ],
    [
      'ERR_MALFORMED: a segment says that it has a length that no segment can have',
      () => decryptSegment(reader, withMarker(final, 41), 2, true),
      () => decryptSegment(reader, withMarker(final, 31), 2, true),
    ],
    [
      'ERR_TRUNCATED: the data ends inside a segment',
      () => decryptSegment(reader, final.subarray(0, 31), 2, true),
      () => decryptSegment(reader, internal.subarray(0, 39), 0, false),
      () => new OnlineDecryptor(KEY, AAD, header, PARAMS).decryptAnySegment(internal.subarray(0, 31)),
    ],
    ['ERR_TRUNCATED: the data ends without a final segment', () => decryptSegment(reader, internal, 0, true)],
    [
      'ERR_TRUNCATED: the data ends inside the final segment',
      () => decryptSegment(reader, final.subarray(0, 33), 2, true),
    ],
    ['ERR_TRUNCATED: the data ends inside the FLOE header', () => decrypt(KEY, AAD, header.subarray(1), PARAMS)],
    [
      'ERR_TRUNCATED: the data ends before the end of its final segment',
      () => decrypt(KEY, AAD, message.subarray(0, message.length - 1), PARAMS),
      () => decrypt(KEY, AAD, header, PARAMS),
    ],
    [
      'ERR_TRAILING_DATA: there are bytes after the end of a segment',
      () => decryptSegment(reader, tail(internal), 0, false),
    ],
    [
      'ERR_TRAILING_DATA: there are bytes after the end of the final segment',
      () => decryptSegment(reader, tail(final), 2, true),
      () => decrypt(KEY, AAD, tail(message), PARAMS),
    ],
    [
      'ERR_TRUNCATED: the data ends inside a segment: no message has a body of 41 bytes',
      () => floePlaintextSize(41, PARAMS),
    ],
    [
      'ERR_LIMIT_EXCEEDED: the data holds more than 2^40 segments',
      () => floePlaintextSize(40 * 2 ** 40 + 32, PARAMS),
      () => {
        const online = new OnlineDecryptor(KEY, AAD, header, PARAMS);
        (online as unknown as { counter: number }).counter = 2 ** 40 - 1;
        online.decryptSegment(internal);
      },
    ],
  ];
  it.each(cases.map(([text, ...works]) => [text, works] as const))('%s', async (text, works) => {
    for (const work of works) expect(await told(work)).toBe(text);
  });
});

describe('misuse: what the error says', () => {
  const none = 'text' as unknown as Uint8Array;
  const closed = startEncryption(KEY, AAD, PARAMS).state;
  closed.close();
  const cases: readonly Case[] = [
    [
      'TypeError: key must be a Uint8Array',
      () => startEncryption(none, AAD, PARAMS),
      () => startDecryption(none, AAD, header, PARAMS),
      () => verifyHeader(none, AAD, header, PARAMS),
      () => decrypt(none, AAD, message, PARAMS),
    ],
    ['RangeError: key must have 32 bytes', () => startEncryption(KEY.subarray(1), AAD, PARAMS)],
    [
      'TypeError: aad must be a Uint8Array',
      () => startEncryption(KEY, none, PARAMS),
      () => startDecryption(KEY, none, header, PARAMS),
      () => verifyHeader(KEY, none, header, PARAMS),
      () => decrypt(KEY, none, message, PARAMS),
    ],
    [
      'TypeError: header must be a Uint8Array',
      () => startDecryption(KEY, AAD, none, PARAMS),
      () => verifyHeader(KEY, AAD, none, PARAMS),
    ],
    [
      'TypeError: plaintext must be a Uint8Array',
      () => encrypt(KEY, AAD, none, PARAMS),
      () => encryptSegment(writer, none, 0, true),
    ],
    ['TypeError: ciphertext must be a Uint8Array', () => decrypt(KEY, AAD, none, PARAMS)],
    [
      'TypeError: segment must be a Uint8Array',
      () => decryptSegment(reader, none, 0, true),
      () => new OnlineDecryptor(KEY, AAD, header, PARAMS).decryptAnySegment(none),
    ],
    [
      'TypeError: chunk must be a Uint8Array',
      () => collect(encryptStream(KEY, AAD, [none], PARAMS)),
      () => collect(decryptStream(KEY, AAD, [none], PARAMS)),
    ],
    [
      'TypeError: source must be an iterable or async iterable of Uint8Array chunks',
      ...[7, null, undefined, {}, 'text', bytes(3)].flatMap((source) => [
        () => encryptStream(KEY, AAD, source as Uint8Array[], PARAMS),
        () => decryptStream(KEY, AAD, source as Uint8Array[], PARAMS),
      ]),
    ],
    ['TypeError: isFinal must be a boolean', () => encryptSegment(writer, bytes(8), 0, 1 as unknown as boolean)],
    [
      'RangeError: position must be an integer from 0 to 1099511627775',
      () => encryptSegment(writer, bytes(8), 2 ** 40, true),
      () => decryptSegment(reader, final, -1, true),
    ],
    [
      'RangeError: position must be an integer from 0 to 1099511627774',
      () => encryptSegment(writer, bytes(8), 2 ** 40 - 1, false),
    ],
    ['TypeError: position must be a number', () => encryptSegment(writer, bytes(8), '0' as unknown as number, true)],
    ['RangeError: the final segment takes at most 8 bytes', () => encryptSegment(writer, bytes(9), 0, true)],
    ['RangeError: an internal segment takes exactly 8 bytes', () => encryptSegment(writer, bytes(7), 0, false)],
    [
      'RangeError: segmentLength must be an integer from 33 to 2147483647',
      () => floeSize(1, { segmentLength: 32 }),
      () => floePlaintextSize(40, { segmentLength: 2 ** 31 }),
    ],
    [
      'RangeError: rotationMask must be an integer from 0 to 40',
      () => floeSegmentCount(1, { segmentLength: 40, rotationMask: 41 }),
    ],
    ['TypeError: segmentLength must be a number', () => floeSize(1, { segmentLength: '40' } as unknown as FloeParams)],
    [
      'TypeError: FLOE parameters: unknown option "rotation" (known: segmentLength, rotationMask)',
      () => floeSize(1, { segmentLength: 40, rotation: 2 } as FloeParams),
    ],
    ['RangeError: plaintext length must be an integer from 0 to 9007199254740991', () => floeSize(-1, PARAMS)],
    ['RangeError: body length must be an integer from 0 to 9007199254740991', () => floePlaintextSize(-1, PARAMS)],
    ['RangeError: the plaintext needs more than 2^40 segments', () => floeSegmentCount(8 * 2 ** 40 + 1, PARAMS)],
    [
      'RangeError: the message would be longer than 2^53 - 1 bytes',
      () => floeSize(2 ** 53 - 1, { segmentLength: 1 << 20 }),
    ],
    ['TypeError: the FLOE state is closed', () => encryptSegment(closed, bytes(8), 0, true)],
    [
      'TypeError: a FLOE state that was started to decrypt cannot encrypt',
      () => encryptSegment(reader, bytes(8), 0, true),
    ],
    [
      'TypeError: a FLOE state that was started to encrypt cannot decrypt',
      () => decryptSegment(writer, final, 2, true),
    ],
    [
      'TypeError: state must come from startEncryption or startDecryption',
      () => encryptSegment({} as unknown as FloeState, bytes(8), 0, true),
    ],
  ];
  it.each(cases.map(([text, ...works]) => [text, works] as const))('%s', async (text, works) => {
    for (const work of works) expect(await told(work)).toBe(text);
  });
});

describe('the longest message', () => {
  it('is as long as a safe integer can say', () => {
    const params = { segmentLength: 2 ** 31 - 1 };
    const full = params.segmentLength - 32;
    // 2^53 - 1 = 74 + n + 32 ceil(n / full), solved for n.
    const left = 2 ** 53 - 1 - HEADER_LENGTH;
    const whole = Math.floor(left / params.segmentLength);
    const longest = whole * full + Math.max(0, left - whole * params.segmentLength - 32);
    expect(floeSize(longest, params)).toBe(2 ** 53 - 1);
    expect(() => floeSize(longest + 1, params)).toThrow(RangeError);
  });
});
