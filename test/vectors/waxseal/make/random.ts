import crypto, { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** 2026-01-02T03:04:05Z, the time at which every vector was sealed. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

let label = '';
let counter = 0;

/** Restarts the stream. Every vector has its own, so that adding one changes no other. */
export function seed(name: string): void {
  label = name;
  counter = 0;
}

/** The next bytes: SHA-256("waxseal vectors" ‖ 00 ‖ name ‖ 00 ‖ counter) over and over, each call from a new block. */
function draw(out: Uint8Array): void {
  for (let at = 0; at < out.length; at += 32) {
    const block = createHash('sha256').update(`waxseal vectors\0${label}\0${String(counter++)}`).digest();
    out.set(block.subarray(0, out.length - at), at);
  }
}

/** What the library draws in one call and drew in two when the vectors were made: id and data key, the two IVs. */
const TOGETHER: Readonly<Record<number, readonly number[]>> = { 48: [16, 32], 44: [32, 12] };

/**
 * Puts the stream in the place of the only source of randomness that the library has, and a fixed time in the place of
 * the clock. Nothing in the library knows of it: the seam is Node's own.
 */
export function installDeterminism(): void {
  crypto.randomFillSync = ((into: Uint8Array, offset = 0, size = into.length - offset) => {
    let at = offset;
    for (const length of TOGETHER[size] ?? [size]) {
      draw(into.subarray(at, at + length));
      at += length;
    }
    return into;
  }) as typeof crypto.randomFillSync;
  for (const name of ['randomBytes', 'randomUUID', 'randomInt', 'randomFill'] as const) {
    (crypto as unknown as Record<string, unknown>)[name] = () => {
      throw new Error(`the library draws randomness by randomFillSync only, not by ${name}`);
    };
  }
  syncBuiltinESMExports();
  Date.now = () => NOW_MS;
}
