/**
 * Runs the tests of a tier and closes with one line: `N passed, N failed, N skipped`.
 *
 *     node test/run.ts [--tier short|full|long] [--require-all] [vitest arguments]
 *
 * `--require-all` (CI) fails when anything was skipped.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale } from './build.ts';
import { missingOptionals } from './optional.ts';

// What this runner does not know is vitest's, in its order: `-t name` and `--coverage` must not be swallowed.
const { values, tokens } = parseArgs({
  options: { tier: { type: 'string', default: 'short' }, 'require-all': { type: 'boolean', default: false } },
  allowPositionals: true,
  strict: false,
  tokens: true,
});
const own = new Set(
  tokens.flatMap((token) => {
    if (token.kind !== 'option' || (token.name !== 'tier' && token.name !== 'require-all')) return [];
    return token.inlineValue === false ? [token.index, token.index + 1] : [token.index];
  }),
);
const vitestArguments = process.argv.slice(2).filter((_, index) => !own.has(index));

// Examples, README and packed package run what is built.
buildIfStale();
for (const missing of missingOptionals()) console.log(`optional, not here: ${missing}`);

const folder = mkdtempSync(join(tmpdir(), 'waxseal-run-'));
const report = join(folder, 'report.json');
const vitest = join(import.meta.dirname, '..', 'node_modules/vitest/vitest.mjs');
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...vitestArguments],
  { stdio: 'inherit', env: { ...process.env, WAXSEAL_TEST_TIER: String(values.tier) } },
);

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

let status = run.status ?? 1;
let counts = { passed: 0, failed: 1, skipped: 0 };
try {
  const read = JSON.parse(readFileSync(report, 'utf8')) as Report;
  // A file that fails before its first test has no failed test, and must still be counted.
  const broken = read.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  );
  const skipped = read.testResults.flatMap((file) =>
    file.assertionResults.filter((t) => ['pending', 'skipped', 'todo'].includes(t.status)),
  );
  counts = { passed: read.numPassedTests, failed: read.numFailedTests + broken.length, skipped: skipped.length };
  for (const test of skipped) console.log(`skipped: ${test.fullName}`);
  if (values['require-all'] === true && skipped.length > 0) {
    console.log('every suite must run here, and some were skipped');
    status ||= 1;
  }
} catch {
  console.log('vitest ended without a report');
  status ||= 1;
}
rmSync(folder, { recursive: true, force: true });
if (status !== 0 && counts.failed === 0 && counts.skipped === 0) counts.failed = 1;
console.log(`${String(counts.passed)} passed, ${String(counts.failed)} failed, ${String(counts.skipped)} skipped`);
process.exitCode = status;
