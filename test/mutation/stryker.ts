import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from './report.ts';

/** What brings Stryker: it is too large for the plain `npm ci`. */
export const INSTALL_STRYKER = 'npm ci --prefix test/mutation';

const ROOT = join(import.meta.dirname, '../..');
/** Its command, a script for Node. */
const STRYKER = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');

export function hasStryker(): boolean {
  return existsSync(STRYKER);
}

/**
 * Runs Stryker.
 *
 * @param mutate patterns of files, or places in them (`file:line:column-line:column`)
 * @param tests pattern of the test files that may kill
 */
export function runStryker(mutate: readonly string[], tests: string): Report {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-mutation-'));
  const config = join(folder, 'config.json');
  const report = join(folder, 'report.json');
  writeFileSync(
    config,
    JSON.stringify({
      plugins: ['@stryker-mutator/vitest-runner'],
      testRunner: 'vitest',
      vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
      mutate,
      coverageAnalysis: 'perTest',
      concurrency: 1,
      // Outside the checkout: a test run that somebody starts meanwhile must not find the copies.
      tempDirName: join(folder, 'sandbox'),
      ignorePatterns: ['dist', 'api', 'coverage', 'examples', '.ci', '*.md', 'test/.cache', 'test/runtimes'],
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: report },
      timeoutMS: 10_000,
      // Node strips the types, so that there is nothing to rewrite.
      tsconfigFile: 'none',
    }),
  );
  try {
    const run = spawnSync(process.execPath, [STRYKER, 'run', config], {
      cwd: ROOT,
      stdio: 'inherit',
      // Whether a mutant survives must not depend on luck; setup.ts does the same for fast-check.
      env: { ...process.env, WAXSEAL_MUTATION_TESTS: tests, WAXSEAL_TEST_SEED: '1' },
    });
    if (run.status !== 0) throw new Error(`Stryker ended with ${String(run.status ?? run.signal)}`);
    // It writes none where there is nothing to change.
    return existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report) : { files: {} };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
