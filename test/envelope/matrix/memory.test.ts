/** Memory stays flat, however long the stream: each layout in a process of its own, whose peak is measured. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../tier.ts';
import { LAYOUTS } from './support.ts';

const MIB = 2 ** 20;
const SIZE = scaled(128 * MIB, 1024 * MIB, 4096 * MIB);
/** How much the peak may grow over all verbs of a layout, in MiB: the garbage of some reads, and no object. */
const LIMIT_MIB = 128;

interface Line {
  readonly verb: string;
  /** By how many MiB the peak grew. */
  readonly growth: number;
  /** Bytes that came out. */
  readonly length: number;
}

async function measure(...argv: readonly string[]): Promise<Line[]> {
  const child = join(import.meta.dirname, 'memory.child.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [child, ...argv]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe.each(LAYOUTS)('%s', (layout) => {
  it(`seal, open, verify, reseal, rewrap, convert a stream of ${String(SIZE / MIB)} MiB: the peak grows by less than ${String(LIMIT_MIB)} MiB`, async () => {
    const lines = await measure(layout, String(SIZE));
    const growths = lines.map(({ verb, growth }) => `${verb} ${growth.toFixed(0)}`);
    console.log(`growth of the peak in MiB, ${layout}: ${growths.join(', ')}`);
    expect(lines.map(({ verb }) => verb)).toEqual(expect.arrayContaining(['seal', 'open', 'reseal', 'convert']));
    for (const { verb, length } of lines) if (verb !== 'verify') expect(length, verb).toBeGreaterThanOrEqual(SIZE);
    expect(lines.reduce((sum, { growth }) => sum + growth, 0)).toBeLessThan(LIMIT_MIB);
  });
});

it('control: what keeps the stream is seen to grow', async () => {
  const [line] = await measure('attached', 'control');
  expect(line?.growth).toBeGreaterThan(LIMIT_MIB);
});
