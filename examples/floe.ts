// FLOE by itself: authenticated encryption of large messages in segments, for keys that you manage yourself.
import { randomFillSync } from 'node:crypto';
import { decrypt, decryptStream, encrypt, encryptStream, HEADER_LENGTH } from 'waxseal/floe';
import { decryptSegment, startDecryption } from 'waxseal/floe/segments';

const key = randomFillSync(new Uint8Array(32));
const aad = new TextEncoder().encode('what the message belongs to');
const params = { segmentLength: 64 * 1024 }; // of an encrypted segment, 32 bytes of overhead included
const plaintext = randomFillSync(new Uint8Array(200_000));

const message = encrypt(key, aad, plaintext, params);
console.log(decrypt(key, aad, message, params).length, 'bytes in one go');

let bytes = 0;
const encrypted = encryptStream(key, aad, [plaintext.subarray(0, 7), plaintext.subarray(7)], params);
for await (const chunk of decryptStream(key, aad, encrypted, params)) bytes += chunk.length;
console.log(bytes, 'bytes streamed');

// Random access: the header, then any one segment. Only the last one is final; it says where the message ends.
const state = startDecryption(key, aad, message.subarray(0, HEADER_LENGTH), params);
const offset = HEADER_LENGTH + 2 * params.segmentLength;
const segment = decryptSegment(state, message.subarray(offset, offset + params.segmentLength), 2, false);
state.close();
console.log(segment.length, 'bytes of segment 2 alone');
