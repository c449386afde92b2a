/**
 * Mutation testing: changes the crypto and the format in every way that Stryker knows, one at a time, and sees whether
 * a test fails.
 *
 *     node test/mutation/run.ts [--resume] [--report-only] [crypto floe hpke format]
 *
 * Fails when a mutant survives that survivors.json does not list, or when a listed one does not survive any more.
 * `--resume` takes over what an earlier run found out about the same sources and tests; `--report-only` runs nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readReport, type Result } from './report.ts';
import { hasStryker, INSTALL_STRYKER, STRYKER } from './stryker.ts';
import { listedSurvivors, without } from './survivors.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'test/.cache/mutation');

/** What is run at a time, and kept for `--resume`. */
const SHARDS = {
  crypto: { mutate: 'src/crypto/*.ts', tests: 'test/crypto/**/*.test.ts' },
  floe: { mutate: 'src/crypto/floe/*.ts', tests: 'test/crypto/floe/*.test.ts' },
  hpke: { mutate: 'src/crypto/hpke/*.ts', tests: 'test/crypto/hpke/*.test.ts' },
  format: { mutate: 'src/envelope/format/*.ts', tests: 'test/envelope/format/*.test.ts' },
} as const;

type Shard = keyof typeof SHARDS;

/** What decides whether a mutant survives. */
const INPUTS = [
  'src/{bytes,crypto,errors}/**/*.ts',
  'src/envelope/format/**/*.ts',
  'test/{crypto,support}/**/*.ts',
  'test/vectors/{floe,hpke}/*.*',
  'test/vectors/waxseal/make/*.ts',
  'test/envelope/format/**/*.ts',
  'test/mutation/{setup,vitest.config}.ts',
  'test/mutation/package-lock.json',
];

const { values, positionals } = parseArgs({
  options: {
    resume: { type: 'boolean', default: false },
    'report-only': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const all = Object.keys(SHARDS) as Shard[];
const unknown = positionals.filter((name) => !all.some((shard) => shard === name));
if (unknown.length > 0) throw new TypeError(`no such shard: ${unknown.join(', ')}; there are ${all.join(', ')}`);
const shards = all.filter((shard) => positionals.length === 0 || positionals.includes(shard));

if (!hasStryker()) throw new Error(`Stryker is not here: ${INSTALL_STRYKER}`);
mkdirSync(CACHE, { recursive: true });
// It takes long, and nobody waits for it.
setPriority(constants.priority.PRIORITY_LOW);

let failed = false;
const results: [Shard, Result][] = [];
for (const shard of shards) {
  const report = reportOf(shard);
  if (values['report-only']) {
    if (!existsSync(report)) throw new Error(`${shard} was not run with these sources and tests`);
  } else if (!values.resume || !existsSync(report)) {
    mutate(shard, report);
  }
  results.push([shard, readReport(report)]);
}

for (const [shard, { detected, survived }] of results) {
  const total = detected + survived.length;
  const listed = listedSurvivors().filter(({ file }) => globSync(SHARDS[shard].mutate, { cwd: ROOT }).includes(file));
  const fresh = without(survived, listed);
  const gone = without(listed, survived);
  const score = ((100 * detected) / Math.max(1, total)).toFixed(1);
  console.log(
    `${SHARDS[shard].mutate}: ${score} % of ${String(total)} mutants killed, ${String(survived.length)} survived`,
  );
  for (const { file, at, mutator, line, code, replacement } of fresh) {
    console.log(`  not listed: ${file}:${String(at)} ${mutator}\n    ${line}\n    ${code}\n    -> ${replacement}`);
  }
  for (const { file, mutator, line, code, replacement } of gone) {
    console.log(`  listed, and does not survive: ${file} ${mutator}\n    ${line}\n    ${code}\n    -> ${replacement}`);
  }
  if (fresh.length > 0 || gone.length > 0) failed = true;
}
if (failed) console.log('write a test that kills what is not listed; where nothing can, list it in survivors.json');
process.exitCode = failed ? 1 : 0;

/** Where the report about the sources and tests as they are now belongs. */
function reportOf(shard: Shard): string {
  const hash = createHash('sha256');
  for (const path of globSync(INPUTS, { cwd: ROOT }).sort()) hash.update(path).update(readFileSync(join(ROOT, path)));
  return join(CACHE, `${shard}-${hash.digest('hex').slice(0, 16)}.json`);
}

function mutate(shard: Shard, report: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-mutation-'));
  const config = join(folder, 'config.json');
  const written = join(folder, 'report.json');
  writeFileSync(
    config,
    JSON.stringify({
      plugins: ['@stryker-mutator/vitest-runner'],
      testRunner: 'vitest',
      vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
      mutate: [SHARDS[shard].mutate],
      coverageAnalysis: 'perTest',
      concurrency: 1,
      // Outside the checkout: a test run that somebody starts meanwhile must not find the copies.
      tempDirName: join(folder, 'sandbox'),
      ignorePatterns: ['dist', 'api', 'coverage', 'examples', '.ci', '*.md', 'test/.cache', 'test/runtimes'],
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: written },
      timeoutMS: 10_000,
      // Node strips the types, so that there is nothing to rewrite.
      tsconfigFile: 'none',
    }),
  );
  try {
    const run = spawnSync(process.execPath, [STRYKER, 'run', config], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, WAXSEAL_MUTATION_TESTS: SHARDS[shard].tests },
    });
    if (run.status !== 0) throw new Error(`Stryker ended with ${String(run.status ?? run.signal)}`);
    for (const old of globSync(`${shard}-*.json`, { cwd: CACHE })) rmSync(join(CACHE, old));
    writeFileSync(`${report}.part`, readFileSync(written));
    renameSync(`${report}.part`, report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
