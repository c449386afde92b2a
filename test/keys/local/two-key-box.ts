import { randomFillSync } from 'node:crypto';
import nacl from 'tweetnacl';

const P = 2n ** 130n - 5n;
const TWO128 = 2n ** 128n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

const little = (bytes: Uint8Array): bigint =>
  [...bytes].reverse().reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
const mod = (value: bigint): bigint => ((value % P) + P) % P;

function bytesOf(value: bigint): Uint8Array {
  const out = new Uint8Array(16);
  for (let at = 0; at < 16; at++) out[at] = Number((value >> BigInt(8 * at)) & 0xffn);
  return out;
}

function inverse(value: bigint): bigint {
  let [power, base, out] = [P - 2n, mod(value), 1n];
  for (; power > 0n; power >>= 1n) {
    if ((power & 1n) === 1n) out = mod(out * base);
    base = mod(base * base);
  }
  return out;
}

/** Poly1305's key for a secretbox: the first 32 bytes of the XSalsa20 stream. */
function oneTimeKey(nonce: Uint8Array, key: Uint8Array): { r: bigint; s: bigint } {
  const { lowlevel } = nacl as unknown as {
    lowlevel: { crypto_stream(c: Uint8Array, at: number, length: number, nonce: Uint8Array, key: Uint8Array): number };
  };
  const stream = new Uint8Array(32);
  lowlevel.crypto_stream(stream, 0, 32, nonce, key);
  return { r: little(stream.subarray(0, 16)) & CLAMP, s: little(stream.subarray(16)) };
}

/**
 * nonce(24) ‖ a secretbox of 32 bytes that opens under both keys (to different plaintexts). Two ciphertext blocks are
 * enough: choose the first, solve a linear equation mod 2^130 - 5 for the second.
 */
export function boxForTwoKeys(keyA: Uint8Array, keyB: Uint8Array): Uint8Array {
  for (;;) {
    const nonce = randomFillSync(new Uint8Array(24));
    const [a, b] = [oneTimeKey(nonce, keyA), oneTimeKey(nonce, keyB)];
    const first = TWO128 + little(randomFillSync(new Uint8Array(16)));
    for (let wraps = -4n; wraps <= 4n; wraps++) {
      // first·rA² + second·rA + sA = first·rB² + second·rB + sB, up to multiples of 2^128
      const right = b.s - a.s + wraps * TWO128 - first * (a.r * a.r - b.r * b.r);
      const second = mod(mod(right) * inverse(a.r - b.r));
      if (second < TWO128 || second >= 2n * TWO128) continue;
      const tag = ({ r, s }: { r: bigint; s: bigint }): bigint => (mod(first * r * r + second * r) + s) % TWO128;
      if (tag(a) !== tag(b)) continue;
      const parts = [nonce, bytesOf(tag(a)), bytesOf(first - TWO128), bytesOf(second - TWO128)];
      return new Uint8Array(Buffer.concat(parts));
    }
  }
}
