import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tier } from '../tier.ts';
import { INSTALL_STRYKER } from './stryker.ts';
import { listedSurvivors, type Mutant, without } from './survivors.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the list of surviving mutants', () => {
  it('gives a reason for each', () => {
    for (const { file, mutator, line, code, replacement, reason } of listedSurvivors()) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      expect(reason.length, line).toBeGreaterThan(10);
      expect(
        [mutator, line, code].every((text) => text !== ''),
        line,
      ).toBe(true);
      expect(replacement, line).not.toBe(code);
    }
  });

  it('is compared by code, and counts', () => {
    const mutant = (code: string): Mutant => ({ file: 'a.ts', mutator: 'm', line: 'l', code, replacement: '' });
    const [one, other] = [mutant('a'), mutant('b')];
    expect(without([one, other], [other])).toEqual([one]);
    expect(without([one, one], [{ ...one }])).toEqual([one]);
    expect(without([one], [one, one])).toEqual([]);
    expect(without([one], [])).toEqual([one]);
  });
});

// Part of the long tier only: a skipped test would say that something is missing here.
if (tier === 'long') {
  it(`mutation testing finds the survivors that are listed, and no others (${INSTALL_STRYKER})`, async () => {
    const script = join(import.meta.dirname, 'run.ts');
    const child = spawn(process.execPath, [script, '--resume'], { cwd: ROOT, stdio: 'inherit' });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(0);
  });
}
