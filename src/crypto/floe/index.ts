/**
 * FLOE (C2SP FLOE.md): authenticated encryption of data of any size in segments, with bounded memory, random access
 * and key commitment. The sharper tools for random access are in `waxseal/floe/segments`.
 *
 * @packageDocumentation
 */
export { OnlineDecryptor, OnlineEncryptor } from './online.ts';
export { decrypt, encrypt } from './oneshot.ts';
export { DEFAULT_ROTATION_MASK, type FloeParams, HEADER_LENGTH, MAX_SEGMENTS, SEGMENT_OVERHEAD } from './params.ts';
export { floePlaintextSize, floeSegmentCount, floeSize } from './sizes.ts';
export { type ByteSource, decryptStream, encryptStream } from './stream.ts';
