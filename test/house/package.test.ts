import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingRuntimes, oldRuntime, runtimes } from '../runtimes/runtimes.ts';

const ROOT = join(import.meta.dirname, '../..');

const PROGRAM = `
import { createLocalKeyring, inspect, open, rewrap, seal, sealFile, WaxsealError } from 'waxseal';
import { decrypt, encrypt } from 'waxseal/floe';
import { startEncryption } from 'waxseal/floe/segments';
import { providerConformance } from 'waxseal/testing';
import { writeFileSync } from 'node:fs';

const ring = await createLocalKeyring('ring', { keyFile: 'ring.key' });
await ring.create('default');
const key = ring.key('default');
const plaintext = new TextEncoder().encode('weights');
const opened = await open(await seal(plaintext, key), key);
if (new TextDecoder().decode(opened) !== 'weights') throw new Error('round trip');
writeFileSync('m', plaintext);
await sealFile('m', 'm.wax', key);
await ring.rotate('default');
const report = await rewrap('m.wax', key);
if (!report.changed || (await inspect('m.wax')).lists !== 'steady') throw new Error('rewrap');
const params = { segmentLength: 4096 };
const k = new Uint8Array(32);
decrypt(k, plaintext, encrypt(k, plaintext, plaintext, params), params);
if (typeof startEncryption !== 'function' || typeof providerConformance !== 'function') throw new Error('exports');
await open(new Uint8Array(100), key).then(
  () => { throw new Error('opened junk'); },
  (error) => { if (!(error instanceof WaxsealError) || error.code !== 'ERR_NOT_SEALED') throw error; },
);
ring.close();
console.log('works on', process.versions.node);
`;

describe('the packed package', () => {
  let folder: string;
  const installed = (): string => join(folder, 'node_modules/waxseal');

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'waxseal-pack-'));
    const npm = (args: string[], cwd: string): string =>
      execFileSync('npm', [...args, '--loglevel=error'], { cwd, encoding: 'utf8' });
    // What `npm pack` would take, without building again: the test runner has just built.
    const packed = JSON.parse(
      npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT),
    ) as unknown;
    const entry = (Array.isArray(packed) ? packed[0] : Object.values(packed as object)[0]) as { filename: string };
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    npm(['install', '--no-save', join(folder, entry.filename)], folder);
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const { major, path } of runtimes()) {
    it(`installs in an empty folder and works under Node ${String(major)}, without a word on standard error`, () => {
      for (const name of ['ring', 'ring.key', 'm', 'm.wax'])
        rmSync(join(folder, name), { recursive: true, force: true });
      const run = spawnSync(path, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
      expect(run.stderr).toBe('');
      expect(run.stdout).toContain(`works on ${String(major)}.`);
      const version = spawnSync(path, [join(installed(), 'dist/src/cli/bin.js'), '--version'], { encoding: 'utf8' });
      expect(version).toMatchObject({ status: 0, stderr: '' });
      expect(version.stdout).toMatch(/0\.2\.0/);
    });
  }

  for (const major of missingRuntimes()) {
    it(`installs in an empty folder and works under Node ${String(major)}`, (context) => {
      context.skip(`Node ${String(major)} is not here: npm ci --prefix test/runtimes`);
    });
  }

  it('the bin on an older Node says in one sentence what it needs', (context) => {
    const old = oldRuntime();
    if (old === undefined) {
      context.skip('no Node older than 22 on this machine');
      return;
    }
    const run = spawnSync(old.path, [join(installed(), 'dist/src/cli/bin.js'), 'seal', 'x'], { encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    expect(run.stderr).toMatch(/Node\.js 22\.18/);
    expect(run.stderr).toContain(String(old.major));
  });

  it('holds the built code, the documents, and nothing else', () => {
    const names = readdirSync(installed()).sort();
    expect(names).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'SPEC.md', 'dist', 'package.json']);
    const built = readdirSync(join(installed(), 'dist'), { recursive: true }).map(String);
    expect(built.filter((name) => /\.test\.|vectors/.test(name))).toEqual([]);
  });

  it('importing waxseal loads no SQL, no command line and no third package', () => {
    const script = `
      import { createRequire } from 'node:module';
      import * as waxseal from 'waxseal';
      const loaded = process.moduleLoadList.filter((name) => /sqlite/.test(name));
      console.log(JSON.stringify({ loaded, verbs: Object.keys(waxseal).length }));
    `;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(JSON.parse(out)).toMatchObject({ loaded: [] });
    const texts = readdirSync(join(installed(), 'dist/src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.js') && !/\/(cli|keys\/remote)/.test(entry.parentPath))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const imports = new Set(
      texts.flatMap((text) => [...text.matchAll(/from '([^'.][^']*)'/g)].map((match) => match[1] ?? '')),
    );
    const packages = [...imports].filter((name) => !name.startsWith('node:'));
    expect(packages.sort()).toEqual(['tweetnacl']);
  });
});
