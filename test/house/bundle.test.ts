/** What a program that imports `waxseal` carries with it: bytes in a bundle, modules and time at start. */
import { execFileSync } from 'node:child_process';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildIfStale } from '../build.ts';

const ROOT = join(import.meta.dirname, '../..');
const KIB = 1024;

/** What seals and opens, without a keyring, is at most this much minified. */
const VERBS_BUDGET = 72 * KIB;
/** Code of ours that seals and opens with a local key. What makes, backs up and imports keys is loaded when asked for. */
const LOCAL_KEY_BUDGET = 100 * KIB;
/** With tweetnacl, which is 33 KB in one piece: it cannot be shaken. */
const WITH_TWEETNACL_BOUND = 130 * KIB;
/** Starting Node and importing takes at most so many times what starting Node takes. Generous: machines are shared. */
const START_RATIO = 8;

const FOREIGN = /(?:^|\/)(?:cli|commander|zod|yaml|cli-progress|sqlite)(?:\/|$)|@aws-sdk|@google-cloud|@azure|graphene/;

interface Bundle {
  readonly code: Uint8Array;
  readonly text: string;
  readonly metafile: Metafile;
}

/** Bundles `import { names } from 'waxseal'` as a user's build would, from the built package. */
async function bundle(names: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `import { ${names} } from 'waxseal';\nconsole.log(${names});`, resolveDir: ROOT },
    bundle: true,
    platform: 'node',
    format: 'esm',
    // What is imported when it is first asked for is a file of its own.
    plugins: [
      {
        name: 'lazy',
        setup: ({ onResolve }) => {
          onResolve({ filter: /./ }, ({ kind, path }) =>
            kind === 'dynamic-import' ? { path, external: true } : undefined,
          );
        },
      },
    ],
    minify: true,
    treeShaking: true,
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new RangeError('esbuild made no file');
  return { code: file.contents, text: file.text, metafile };
}

/** What each package, and each room of ours, adds to the bundle; the largest first. */
function shares({ metafile }: Bundle): string {
  const sums = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {})) {
    const name = /^node_modules\/(?:@[^/]+\/)?[^/]+|^dist\/src\/[^/]+/.exec(path)?.[0].replace(/^.*\//, '') ?? path;
    sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
  }
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name} ${(bytes / KIB).toFixed(1)}`)
    .join(', ');
}

function print(what: string, made: Bundle): void {
  const sizes = [made.code.length, gzipSync(made.code).length].map((bytes) => (bytes / KIB).toFixed(1));
  console.log(`${what}: ${sizes.join(' KiB minified, ')} KiB gzip (${shares(made)})`);
}

function node(script: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
}

beforeAll(buildIfStale);

describe('a bundle of the package', () => {
  it('with seal and open is at most 72 KB minified', async () => {
    const made = await bundle('seal, open');
    print('seal and open', made);
    expect(made.code.length).toBeLessThanOrEqual(VERBS_BUDGET);
    // No bundle that is small because it is empty.
    expect(made.code.length).toBeGreaterThan(20 * KIB);
  });

  describe('with seal, open and the local keyring', () => {
    let made: Bundle;
    beforeAll(async () => {
      made = await bundle('seal, open, openLocalKeyring');
    });

    it('stays under its bound', () => {
      print('seal, open and openLocalKeyring', made);
      const inputs = Object.entries(Object.values(made.metafile.outputs)[0]?.inputs ?? {});
      const foreign = inputs.filter(([path]) => path.includes('node_modules/'));
      const own = made.code.length - foreign.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
      console.log(`ours: ${(own / KIB).toFixed(1)} KiB`);
      expect(own).toBeLessThanOrEqual(LOCAL_KEY_BUDGET);
      expect(made.code.length).toBeLessThanOrEqual(WITH_TWEETNACL_BOUND);
    });

    it('has one package beside ours, and nothing of the command line', () => {
      const inputs = Object.keys(made.metafile.inputs);
      expect(inputs.length).toBeGreaterThan(50);
      expect(inputs.filter((path) => FOREIGN.test(path))).toEqual([]);
      const packages = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
      expect([...new Set(packages)].sort()).toEqual(['tweetnacl']);
    });

    it('imports built-in modules only, and SQLite only when a lock is taken', () => {
      const imports = Object.values(made.metafile.outputs).flatMap((output) => output.imports);
      expect(imports.length).toBeGreaterThan(0);
      expect(imports.filter(({ path }) => !isBuiltin(path) && !path.startsWith('./'))).toEqual([]);
      const statically = imports.filter(({ kind }) => kind !== 'dynamic-import').map(({ path }) => path);
      expect(statically.filter((path) => path.includes('sqlite'))).toEqual([]);
      expect(made.text).not.toMatch(/(?:from|import) ?["']node:sqlite/);
    });
  });
});

describe("import 'waxseal'", () => {
  it('loads its own modules and tweetnacl, and nothing of the command line', () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      await import('waxseal');
      console.log(JSON.stringify({ loaded, builtin: process.moduleLoadList }));
    `;
    const { loaded, builtin } = JSON.parse(node(script)) as Record<'loaded' | 'builtin', string[]>;
    const files = loaded.filter((url) => url.startsWith('file:')).map((url) => url.split(`${ROOT}/`)[1] ?? url);
    expect(files).toContain('dist/src/envelope/seal.js');
    expect([...files, ...builtin].filter((name) => FOREIGN.test(name) || name.includes('sqlite'))).toEqual([]);
    expect(files.filter((path) => !/^(?:dist\/src|node_modules\/tweetnacl)\//.test(path))).toEqual([]);
    console.log(`import 'waxseal' loads ${String(files.length)} modules`);
  });

  it('starts in a small multiple of the time that Node itself takes', () => {
    const time = (script: string): number => {
      const start = performance.now();
      node(script);
      return performance.now() - start;
    };
    // In turns, so that a busy moment of the machine meets both.
    const rounds = Array.from({ length: 7 }, () => ({ bare: time('0'), imported: time("await import('waxseal')") }));
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
    const bare = median(rounds.map((round) => round.bare));
    const imported = median(rounds.map((round) => round.imported));
    console.log(
      `node ${bare.toFixed(0)} ms, with import 'waxseal' ${imported.toFixed(0)} ms: ${(imported / bare).toFixed(2)} x`,
    );
    expect(imported / bare).toBeLessThan(START_RATIO);
  });
});
