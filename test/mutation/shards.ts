import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from './report.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'test/.cache/mutation');

/** What is run at a time, and kept for `--resume`: sources, and the tests beside them. */
export const SHARDS = {
  crypto: { mutate: 'src/crypto/*.ts', tests: 'test/crypto/**/*.test.ts' },
  floe: { mutate: 'src/crypto/floe/*.ts', tests: 'test/crypto/floe/*.test.ts' },
  hpke: { mutate: 'src/crypto/hpke/*.ts', tests: 'test/crypto/hpke/*.test.ts' },
  format: { mutate: 'src/envelope/format/*.ts', tests: 'test/envelope/format/*.test.ts' },
} as const;

export type Shard = keyof typeof SHARDS;

/** What decides whether a mutant survives. */
const INPUTS = [
  'src/{bytes,crypto,errors}/**/*.ts',
  'src/envelope/format/**/*.ts',
  'test/{crypto,support}/**/*.ts',
  'test/envelope/format/**/*.ts',
  'test/vectors/{floe,hpke}/*.*',
  'test/vectors/waxseal/make/*.ts',
  'test/mutation/{setup,vitest.config}.ts',
  'test/mutation/package-lock.json',
];

/** The files that a shard mutates, from the root of the project. */
export function filesOf(shard: Shard): string[] {
  return globSync(SHARDS[shard].mutate, { cwd: ROOT });
}

/** Where the report about sources and tests as they are now belongs. Ask before the run: they may change during it. */
export function placeOf(shard: Shard): string {
  const hash = createHash('sha256');
  for (const path of globSync(INPUTS, { cwd: ROOT }).sort()) hash.update(path).update(readFileSync(join(ROOT, path)));
  return join(CACHE, `${shard}-${hash.digest('hex').slice(0, 16)}.json`);
}

export function loadReport(place: string): Report | undefined {
  return existsSync(place) ? (JSON.parse(readFileSync(place, 'utf8')) as Report) : undefined;
}

/** The last report of a shard, whatever the tests were, if it is about its sources as they are now. */
export function lastReport(shard: Shard): Report | undefined {
  const [last] = globSync(`${shard}-*.json`, { cwd: CACHE });
  const report = last === undefined ? undefined : loadReport(join(CACHE, last));
  const isCurrent = ([file, { source }]: [string, { readonly source: string }]): boolean =>
    existsSync(join(ROOT, file)) && readFileSync(join(ROOT, file), 'utf8') === source;
  return report !== undefined && Object.entries(report.files).every(isCurrent) ? report : undefined;
}

/** Keeps a report, in the place of all others of its shard. */
export function keepReport(shard: Shard, place: string, report: Report): void {
  mkdirSync(CACHE, { recursive: true });
  const old = globSync(`${shard}-*.json`, { cwd: CACHE }).map((name) => join(CACHE, name));
  writeFileSync(`${place}.part`, JSON.stringify(report));
  renameSync(`${place}.part`, place);
  for (const path of old) if (path !== place) rmSync(path);
}
