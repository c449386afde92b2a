import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** dependency-cruiser with the project's own rules, over a folder. */
function cruise(folder: string): Cruise {
  const bin = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  try {
    const args = [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'providers'];
    return JSON.parse(
      execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 }),
    ) as Cruise;
  } catch (error) {
    // It exits with the number of violations; the report stands on its output all the same.
    const { stdout } = error as { stdout: string };
    return JSON.parse(stdout) as Cruise;
  }
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

describe('layers of the house (dependency-cruiser)', () => {
  it('the tool saw every module of src, and no arrow is forbidden', () => {
    const { modules, summary } = cruise(ROOT);
    const seen = new Set(modules.map((module) => module.source));
    const expected = sources(join(ROOT, 'src')).filter((path) => !path.endsWith('.d.ts'));
    expect(expected.length).toBeGreaterThan(60);
    expect(expected.filter((path) => !seen.has(path))).toEqual([]);
    expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  });

  describe('a planted violation fails', () => {
    let folder: string;
    const planted: Record<string, string> = {
      'src/errors/a.ts': 'export const a = 1;',
      'src/bytes/b.ts': "import { a } from '../errors/a.ts';\nexport const b = a;",
      'src/files/f.ts': "import { b } from '../bytes/b.ts';\nexport const f = b;",
      'src/crypto/up.ts': "import { e } from '../envelope/e.ts';\nexport const up = e;",
      'src/crypto/typed.ts': "import type { E } from '../envelope/e.ts';\nexport type T = E;",
      'src/envelope/e.ts': 'export const e = 1;\nexport type E = number;',
      'src/keys/one.ts': "import { two } from './two.ts';\nexport const one = (): unknown => two;",
      'src/keys/two.ts': "import { one } from './one.ts';\nexport const two = (): unknown => one;",
      'src/envelope/heavy.ts': "import { Command } from 'commander';\nexport const heavy = Command;",
      'src/envelope/dev.ts': "import fc from 'fast-check';\nexport const dev = fc;",
      'src/envelope/lost.ts': "import { nowhere } from './nowhere.ts';\nexport const lost = nowhere;",
      'src/index.ts': "export { c } from './cli/c.ts';",
      'src/cli/c.ts': 'export const c = 1;',
      'providers/aws/x.ts': "import { e } from '../../src/envelope/e.ts';\nexport const x = e;",
      'providers/gcp/y.ts': "import { x } from '../aws/x.ts';\nexport const y = x;",
    };

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'waxseal-layers-'));
      for (const [path, text] of Object.entries(planted)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
        cpSync(join(ROOT, name), join(folder, name));
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('and each kind is named', () => {
      const found = cruise(folder).summary.violations.map(({ from, rule }) => `${from} ${rule.name}`);
      for (const expected of [
        'src/files/f.ts floor-of-files',
        'src/crypto/up.ts floor-of-crypto',
        'src/crypto/typed.ts floor-of-crypto',
        'src/keys/one.ts no-circles',
        'src/envelope/heavy.ts core-depends-on-two-packages',
        'src/envelope/dev.ts no-dev-dependencies-in-the-product',
        'src/envelope/lost.ts everything-resolves',
        'src/index.ts root-exports-the-core-only',
        'providers/aws/x.ts providers-know-the-port-only',
        'providers/gcp/y.ts providers-do-not-know-each-other',
      ]) {
        expect(found).toContain(expected);
      }
      expect(found.some((line) => line.startsWith('src/bytes/b.ts'))).toBe(false);
    });
  });
});
