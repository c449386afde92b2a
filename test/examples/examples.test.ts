import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

/** What each example must say; one that is not in this list fails the test. */
const SAYS: Record<string, RegExp> = {
  'demo.ts': /Everything held/,
  'files.ts': /whole: true[\s\S]*kept what was there/,
  'floe.ts': /200000 bytes in one go\n200000 bytes streamed/,
  'observer.ts': /unwrap\.intent local:default[\s\S]*vetoed:/,
  'own-provider.ts': /conforms:[\s\S]*10 bytes opened/,
  'range.ts': /three at once/,
  'rotate-and-rewrap.ts': /renewed with 8192 bytes written\nslots are steady/,
  'seal-and-open.ts': /^weights in/,
  'streams.ts': /opened 12 bytes of a web stream/,
};

describe('examples', () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'));

  it('every example is in the list of this test', () => {
    expect(names.sort()).toEqual(Object.keys(SAYS).sort());
  });

  it.each(names)('%s runs and says what it promises', async (name) => {
    const run = spawnSync(process.execPath, [join(EXAMPLES, name)], { cwd: await temporaryFolder(), encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(SAYS[name] ?? /^$/);
    expect(run.stdout).not.toContain('✗');
    expect(run.status).toBe(0);
  });
});
