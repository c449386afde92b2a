import { createCipheriv, randomFillSync } from 'node:crypto';
import { open, seal } from '../../src/envelope/index.ts';
import { memoryKey } from '../support/memory-key.ts';

/** Seconds that one way of doing it took, best of the rounds, and its rate against the raw loop of the same run. */
export interface Measured {
  readonly name: string;
  readonly gigabytesPerSecond: number;
  readonly ratio: number;
}

const OVERHEAD = 32;

/**
 * Seals and opens `bytes` of memory on one thread, against a bare `createCipheriv` AES-256-GCM loop at the same segment
 * length. The rounds of all contestants take turns, so that a noisy neighbour hits them alike, and the best round of
 * each counts: noise only ever slows down.
 */
export async function measureThroughput(bytes: number, segmentLength: number, rounds: number): Promise<Measured[]> {
  const plaintext = randomFillSync(new Uint8Array(bytes), 0, Math.min(bytes, 1 << 20));
  const key = memoryKey();
  const sealed = await seal(plaintext, key, { segmentLength });
  const drain = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
    let total = 0;
    for await (const chunk of stream) total += chunk.length;
    if (total < bytes) throw new RangeError('the stream ended early');
  };
  const contestants: Record<string, () => void | Promise<void>> = {
    'raw createCipheriv loop': () => rawLoop(plaintext, segmentLength - OVERHEAD),
    'raw loop, output kept': () => rawLoopKept(plaintext, segmentLength - OVERHEAD),
    'seal, memory to stream': async () => drain(await seal([plaintext], key, { segmentLength, size: bytes })),
    'open, memory to stream': async () => drain(await open([sealed], key)),
    'seal, bytes to bytes': async () => void (await seal(plaintext, key, { segmentLength })),
    'open, bytes to bytes': async () => void (await open(sealed, key)),
  };
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contestants)) {
      globalThis.gc?.();
      const start = performance.now();
      await run();
      best.set(name, Math.min(best.get(name) ?? Infinity, performance.now() - start));
    }
  }
  const raw = best.get('raw createCipheriv loop') ?? Number.NaN;
  return [...best].map(([name, ms]) => ({ name, gigabytesPerSecond: bytes / 1e6 / ms, ratio: raw / ms }));
}

/** AES-256-GCM segment by segment with nothing around it; the output is thrown away. */
function rawLoop(plaintext: Uint8Array, step: number): void {
  const key = randomFillSync(new Uint8Array(32));
  const iv = new Uint8Array(12);
  const aad = new Uint8Array(9);
  for (let offset = 0; offset < plaintext.length; offset += step) {
    randomFillSync(iv);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
    cipher.setAAD(aad);
    cipher.update(plaintext.subarray(offset, offset + step));
    cipher.final();
    cipher.getAuthTag();
  }
}

/** The same, with the output in one buffer, as a verb that gives bytes must leave it. */
function rawLoopKept(plaintext: Uint8Array, step: number): void {
  const key = randomFillSync(new Uint8Array(32));
  const iv = new Uint8Array(12);
  const aad = new Uint8Array(9);
  const out = Buffer.allocUnsafeSlow(plaintext.length + Math.ceil(plaintext.length / step) * OVERHEAD);
  let at = 0;
  for (let offset = 0; offset < plaintext.length; offset += step) {
    randomFillSync(iv);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
    cipher.setAAD(aad);
    for (const part of [
      cipher.update(plaintext.subarray(offset, offset + step)),
      cipher.final(),
      cipher.getAuthTag(),
    ]) {
      out.set(part, at);
      at += part.length;
    }
  }
}
