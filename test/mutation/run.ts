/**
 * Mutation testing: changes the crypto and the format in every way that Stryker knows, one at a time, and sees whether
 * a test fails.
 *
 *     node test/mutation/run.ts [--resume | --recheck | --report-only] [part of a path ...]
 *
 * Fails when a mutant survives that survivors.json does not list, or when a listed one does not survive any more.
 * It goes file by file: `--resume` takes over what an earlier run found out about the same sources and tests.
 * `--recheck` is for who adds tests: it tries only what survived the last run over the same source. `--report-only`
 * runs nothing.
 */
import { constants, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { merged, type Report, type Result, resultOf, survivorPlaces } from './report.ts';
import { allShards, keepReport, lastReport, loadReport, placeOf, type Shard, testsOf } from './shards.ts';
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
const shards = allShards().filter(
  ({ file }) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
);
if (shards.length === 0) throw new TypeError(`no source has ${positionals.join(' or ')} in its path`);

// It takes long, and nobody waits for it.
setPriority(constants.priority.PRIORITY_LOW);

const results = new Map<Shard, Result>();
for (const shard of shards) {
  const report = reportOf(shard);
  if (report === undefined) console.log(`${shard.file}: was not run with these sources and tests`);
  else results.set(shard, resultOf(shard.file, report));
}

const wrong = shards.filter((shard) => !isAsListed(shard));
for (const folder of new Set(shards.map(({ sources }) => sources))) {
  const those = [...results].filter(([{ sources }]) => sources === folder).map(([, result]) => result);
  const detected = those.reduce((sum, result) => sum + result.detected, 0);
  const survived = those.reduce((sum, result) => sum + result.survived.length, 0);
  const score = ((100 * detected) / Math.max(1, detected + survived)).toFixed(1);
  console.log(`${folder}: ${score} % of ${String(detected + survived)} mutants killed, ${String(survived)} survive`);
}
if (wrong.length > 0) console.log('kill what is not listed by a test; where none can, list it in survivors.json');
process.exitCode = wrong.length > 0 ? 1 : 0;

function reportOf(shard: Shard): Report | undefined {
  const place = placeOf(shard);
  const known = loadReport(place);
  if (values['report-only'] || (values.resume && known !== undefined)) return known;
  if (!hasStryker()) throw new Error(`Stryker is not here: ${INSTALL_STRYKER}`);
  const last = values.recheck ? lastReport(shard) : undefined;
  const places = last === undefined ? [shard.file] : survivorPlaces(last);
  const run = places.length === 0 ? { files: {} } : runStryker(places, testsOf(shard));
  const report = last === undefined ? run : merged(last, run);
  keepReport(shard, place, report);
  return report;
}

/** Compares the survivors of a file with those of survivors.json, and tells the difference. */
function isAsListed(shard: Shard): boolean {
  const result = results.get(shard);
  if (result === undefined) return false;
  const listed = listedSurvivors().filter(({ file }) => file === shard.file);
  const fresh = without(result.survived, listed);
  const gone = without(listed, result.survived);
  for (const mutant of fresh) show(`survives and is not listed, line ${String(mutant.at)}`, mutant);
  for (const mutant of gone) show('is listed and does not survive', mutant);
  return fresh.length === 0 && gone.length === 0;
}

function show(what: string, { file, mutator, line, code, replacement }: Mutant): void {
  console.log(`${what}: ${file}, ${mutator}\n    ${line}\n    ${code}\n    -> ${replacement}`);
}
