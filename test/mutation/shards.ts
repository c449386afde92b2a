import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from './report.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'test/.cache/mutation');

/** A folder of sources, and the folder of the tests that must kill its mutants; neither with its subfolders. */
interface Folder {
  readonly sources: string;
  readonly tests: string;
}

const FOLDERS: readonly Folder[] = [
  { sources: 'src/crypto', tests: 'test/crypto' },
  { sources: 'src/crypto/hpke', tests: 'test/crypto/hpke' },
  { sources: 'src/crypto/floe', tests: 'test/crypto/floe' },
  { sources: 'src/envelope/format', tests: 'test/envelope/format' },
];

/** One file of sources: what is run at a time, and kept for `--resume`. */
export interface Shard extends Folder {
  /** From the root of the project. */
  readonly file: string;
}

export function allShards(): Shard[] {
  return FOLDERS.flatMap((folder) =>
    globSync(`${folder.sources}/*.ts`, { cwd: ROOT })
      // These only hand on what others export.
      .filter((file) => !file.endsWith('/index.ts'))
      .sort()
      .map((file) => ({ ...folder, file })),
  );
}

/** The test files that may kill. */
export function testsOf({ tests }: Folder): string {
  return `${tests}/*.test.ts`;
}

/** What, beside the tests themselves, decides whether a mutant survives. */
const INPUTS = [
  'src/{bytes,crypto,errors}/**/*.ts',
  'src/envelope/format/*.ts',
  'test/support/*.ts',
  'test/vectors/{floe,hpke}/*.*',
  'test/vectors/waxseal/make/*.ts',
  'test/mutation/{setup,vitest.config}.ts',
  'test/mutation/package-lock.json',
];

/** Where the report about sources and tests as they are now belongs. Ask before the run: they may change during it. */
export function placeOf(shard: Shard): string {
  const hash = createHash('sha256');
  const inputs = globSync([...INPUTS, `${shard.tests}/*.ts`], { cwd: ROOT }).sort();
  for (const path of inputs) hash.update(path).update(readFileSync(join(ROOT, path)));
  return join(CACHE, `${prefixOf(shard)}${hash.digest('hex').slice(0, 16)}.json`);
}

function prefixOf({ file }: Shard): string {
  return `${file.replaceAll('/', '_')}@`;
}

export function loadReport(place: string): Report | undefined {
  return existsSync(place) ? (JSON.parse(readFileSync(place, 'utf8')) as Report) : undefined;
}

/** The last report of a shard, whatever the tests were, if it is about its source as it is now. */
export function lastReport(shard: Shard): Report | undefined {
  const [last] = globSync(`${prefixOf(shard)}*.json`, { cwd: CACHE });
  const report = last === undefined ? undefined : loadReport(join(CACHE, last));
  const source = readFileSync(join(ROOT, shard.file), 'utf8');
  return Object.values(report?.files ?? {}).every((file) => file.source === source) ? report : undefined;
}

/** Keeps a report, in the place of all others of its shard. */
export function keepReport(shard: Shard, place: string, report: Report): void {
  mkdirSync(CACHE, { recursive: true });
  const old = globSync(`${prefixOf(shard)}*.json`, { cwd: CACHE }).map((name) => join(CACHE, name));
  writeFileSync(`${place}.part`, JSON.stringify(report));
  renameSync(`${place}.part`, place);
  for (const path of old) if (path !== place) rmSync(path);
}
