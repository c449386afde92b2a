import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { sha256Hex, VECTORS } from './vectors.ts';

const filesOf = (folder: string): string[] =>
  [
    ...readdirSync(join(folder, 'positive')).map((name) => `positive/${name}`),
    ...readdirSync(join(folder, 'negative')).map((name) => `negative/${name}`),
    'worked-example.txt',
  ].sort();

it('the vectors are written again byte for byte: what the library writes has not changed', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-vectors-'));
  try {
    execFileSync(process.execPath, [fileURLToPath(new URL('../vectors/waxseal/generate.ts', import.meta.url)), folder]);
    expect(filesOf(folder)).toEqual(filesOf(VECTORS));
    for (const name of filesOf(VECTORS)) {
      const digests = [folder, VECTORS].map((root) => sha256Hex(readFileSync(join(root, name))));
      expect(digests[0], name).toBe(digests[1]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
