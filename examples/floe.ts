// FLOE by itself: random-access authenticated encryption of large messages, for keys that you manage.
import { randomFillSync } from 'node:crypto';
import { decrypt, decryptStream, encrypt, encryptStream } from 'waxseal/floe';

const key = randomFillSync(new Uint8Array(32));
const aad = new TextEncoder().encode('This is AAD');
const params = { segmentLength: 64 * 1024 };

const ciphertext = encrypt(key, aad, new Uint8Array(200_000), params);
console.log(decrypt(key, aad, ciphertext, params).length, 'bytes in one go');

let bytes = 0;
for await (const chunk of decryptStream(key, aad, encryptStream(key, aad, [new Uint8Array(200_000)], params), params)) {
  bytes += chunk.length;
}
console.log(bytes, 'bytes streamed');
