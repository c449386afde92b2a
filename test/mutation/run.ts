/**
 * Mutation testing: changes the crypto and the format in every way that Stryker knows, one at a time, and sees whether
 * a test fails.
 *
 *     node test/mutation/run.ts [--resume | --recheck | --report-only] [crypto floe hpke format]
 *
 * Fails when a mutant survives that survivors.json does not list, or when a listed one does not survive any more.
 * `--resume` takes over what an earlier run found out about the same sources and tests. `--recheck` is for who adds
 * tests: it tries only what survived the last run over the same sources. `--report-only` runs nothing.
 */
import { constants, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { merged, type Report, resultsOf, survivorPlaces } from './report.ts';
import { filesOf, keepReport, lastReport, loadReport, placeOf, type Shard, SHARDS } from './shards.ts';
import { hasStryker, INSTALL_STRYKER, runStryker } from './stryker.ts';
import { listedSurvivors, type Mutant, without } from './survivors.ts';

const { values, positionals } = parseArgs({
  options: {
    resume: { type: 'boolean', default: false },
    recheck: { type: 'boolean', default: false },
    'report-only': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const all = Object.keys(SHARDS) as Shard[];
const unknown = positionals.filter((name) => !all.some((shard) => shard === name));
if (unknown.length > 0) throw new TypeError(`no such shard: ${unknown.join(', ')}; there are ${all.join(', ')}`);
const shards = all.filter((shard) => positionals.length === 0 || positionals.includes(shard));

// It takes long, and nobody waits for it.
setPriority(constants.priority.PRIORITY_LOW);

const reports = shards.map((shard) => [shard, reportOf(shard)] as const);
const good = reports.map(([shard, report]) => judge(shard, report)).every(Boolean);
if (!good) console.log('write a test that kills what is not listed; where nothing can, list it in survivors.json');
process.exitCode = good ? 0 : 1;

function reportOf(shard: Shard): Report {
  const place = placeOf(shard);
  const known = loadReport(place);
  if (values['report-only']) {
    if (known === undefined) throw new Error(`${shard} was not run with these sources and tests`);
    return known;
  }
  if (values.resume && known !== undefined) return known;
  if (!hasStryker()) throw new Error(`Stryker is not here: ${INSTALL_STRYKER}`);
  const { mutate, tests } = SHARDS[shard];
  const last = values.recheck ? lastReport(shard) : undefined;
  const places = last === undefined ? [mutate] : survivorPlaces(last);
  const run = places.length === 0 ? { files: {} } : runStryker(places, tests);
  const report = last === undefined ? run : merged(last, run);
  keepReport(shard, place, report);
  return report;
}

/** Says what became of a shard. Returns whether that is what survivors.json says. */
function judge(shard: Shard, report: Report): boolean {
  const results = resultsOf(report);
  const survived = results.flatMap((result) => result.survived);
  const score = (detected: number, left: number): string =>
    `${((100 * detected) / Math.max(1, detected + left)).toFixed(1)} % of ${String(detected + left)} mutants killed`;
  const detected = results.reduce((sum, result) => sum + result.detected, 0);
  console.log(`${SHARDS[shard].mutate}: ${score(detected, survived.length)}`);
  for (const result of results) {
    if (result.survived.length > 0) console.log(`  ${result.file}: ${score(result.detected, result.survived.length)}`);
  }
  const files = new Set(filesOf(shard));
  const listed = listedSurvivors().filter(({ file }) => files.has(file));
  const fresh = without(survived, listed);
  const gone = without(listed, survived);
  for (const mutant of fresh) show(`survives and is not listed, line ${String(mutant.at)}`, mutant);
  for (const mutant of gone) show('is listed and does not survive', mutant);
  return fresh.length === 0 && gone.length === 0;
}

function show(what: string, { file, mutator, line, code, replacement }: Mutant): void {
  console.log(`  ${what}: ${file}, ${mutator}\n    ${line}\n    ${code}\n    -> ${replacement}`);
}
