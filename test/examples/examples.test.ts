import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildIfStale } from '../build.ts';
import { runtimes } from '../runtimes/runtimes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scaled } from '../tier.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

/** What each example must say; one that is not in this list fails the test. */
const SAYS: Record<string, RegExp> = {
  'demo.ts': /Everything held/,
  'failover.ts':
    /down: opened by local:recovery, primary ERR_PROVIDER_UNAVAILABLE\nstill down: opened by local:recovery, primary ERR_PROVIDER_UNAVAILABLE\nback: opened by local:primary\n/,
  'files.ts': /whole: true[\s\S]*kept what was there/,
  'floe.ts': /200000 bytes in one go\n200000 bytes streamed\n65504 bytes of segment 2 alone/,
  'layouts.ts': /compact adds 3\d\d bytes[\s\S]*payload untouched: true\ndetached → attached/,
  'http-range.ts':
    /206 bytes 0-499\/1000000 500[\s\S]*206 bytes 999500-999999\/1000000 500[\s\S]*416 bytes \*\/1000000 0[\s\S]*200 everything 1000000\nHEAD → 1000000/,
  'observer.ts': /unwrap\.intent local:default[\s\S]*vetoed:/,
  'own-provider.ts': /conforms:[\s\S]*10 bytes opened/,
  'parquet-column.ts': /^1000 delays, the first \{ delay: -?\d+n? \}/,
  'quorum.ts':
    /alice alone: ERR_NO_MATCHING_KEY\nopened by local:alice and local:carol\nopened with shares that were sent: 10000 bytes\nlocal:alice kept, local:bob share, local:carol kept/,
  'range.ts': /three at once/,
  'recipients.ts': /sealed to 2 keys\nopened by local:research\n.*symmetric wrap: false\nrefused:/,
  'reseal-and-shred.ts': /a new object: true without local:contractor\nERR_NO_MATCHING_KEY[\s\S]*ERR_SHREDDED/,
  'rotate-and-rewrap.ts': /renewed with 8192 bytes written\nslots are steady/,
  'seal-and-open.ts': /^weights in/,
  'streams.ts': /opened 12 bytes of a web stream/,
};

describe('examples', () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'));

  // They import the built package by its name.
  beforeAll(buildIfStale);

  it('every example is in the list of this test', () => {
    expect(names.sort()).toEqual(Object.keys(SAYS).sort());
  });

  it('every one but the demo is short enough to be read at once', () => {
    for (const name of names.filter((other) => other !== 'demo.ts')) {
      expect(readFileSync(join(EXAMPLES, name), 'utf8').split('\n').length, name).toBeLessThan(60);
    }
  });

  // The own runtime always; the other supported lines in the longer tiers.
  for (const { major, path } of scaled(runtimes().slice(-1), runtimes(), runtimes())) {
    it.each(names)(`%s runs under Node ${String(major)}, says what it promises and leaves nothing`, async (name) => {
      const folder = await temporaryFolder();
      const run = spawnSync(path, [join(EXAMPLES, name)], {
        cwd: folder,
        env: { ...process.env, TMPDIR: folder },
        encoding: 'utf8',
      });
      // Node 22 announces on standard error that it strips types.
      expect(major === 22 ? '' : run.stderr).toBe('');
      expect(run.stdout).toMatch(SAYS[name] ?? /^$/);
      expect(run.stdout).not.toContain('✗');
      expect(run.stdout, 'colour into a pipe').not.toContain('\u001b');
      expect(run.status, run.stderr).toBe(0);
      expect(await readdir(folder)).toEqual([]);
      if (name !== 'demo.ts') return;
      const lines = run.stdout.split('\n');
      expect(lines.length).toBeLessThanOrEqual(60);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
    });
  }
});
