import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAX_SEGMENTS } from '../../src/crypto/floe/params.ts';
import * as limits from '../../src/envelope/format/limits.ts';
import { ERROR_CODES } from '../../src/errors/index.ts';
import { WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { KEY_SCHEMES, MAX_URI_BYTES } from '../../src/keys/uri.ts';
import { VECTORS } from './vectors.ts';

const root = new URL('../../', import.meta.url);
const spec = readFileSync(new URL('SPEC.md', root), 'utf8');

/** The text of a section, by its number. */
function section(number: number): string {
  const [, body] = spec.split(`\n## ${String(number)}. `);
  if (body === undefined) throw new Error(`SPEC.md has no section ${String(number)}`);
  return body.split('\n## ')[0] ?? '';
}

/** Cells of the rows of the tables in a text. */
const rows = (text: string): string[][] =>
  [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => (row ?? '').split(' | ').map((cell) => cell.trim()));

describe('SPEC.md', () => {
  it('has the limits of limits.ts, all of them and no others', () => {
    const table = rows(section(17)).filter(([name]) => name?.startsWith('`'));
    const inSpec = new Map(table.map(([name, value]) => [name?.replaceAll('`', ''), Number(value)]));
    const numbers = Object.entries(limits).filter(
      ([name, value]) => typeof value === 'number' && !['FORMAT_VERSION', 'SUITE_FLOE_AES256GCM_SHA384'].includes(name),
    );
    expect(Object.fromEntries(inSpec)).toEqual({ ...Object.fromEntries(numbers), MAX_URI_BYTES, MAX_SEGMENTS });
    expect([limits.FORMAT_VERSION, limits.SUITE_FLOE_AES256GCM_SHA384]).toEqual([1, 1]);
    expect(limits.LAYOUT).toEqual({ attached: 1, compact: 2, detached: 3 });
    expect(limits.OBJECT_TYPE).toEqual({ data: 1, treeRoot: 2, secrets: 3 });
  });

  it('bounds what lies before the segments as the other limits do', () => {
    const P = Math.ceil((138 + limits.MAX_CORE + limits.MAX_META) / limits.PAGE) * limits.PAGE;
    expect(limits.MAX_PREFIX).toBe(2 * P + 2 * limits.MAX_SLOT);
    expect(spec).toContain((P + 2 * limits.MAX_SLOT).toLocaleString('en'));
    expect(P + 2 * limits.MAX_SLOT).toBeLessThanOrEqual(limits.MAX_HEAD1_OFFSET);
  });

  it('has the wrap algorithms of the code', () => {
    const table = rows(section(8)).filter(
      ([number, name]) => /^\d+$/.test(number ?? '') && name?.startsWith('`') === true,
    );
    expect(Object.fromEntries(table.map(([number, name]) => [name?.replaceAll('`', ''), Number(number)]))).toEqual(
      WRAP_ALGORITHM,
    );
  });

  it('has the key URI schemes of the code', () => {
    const table = rows(section(9)).flatMap(([scheme]) => /^`([a-z0-9]+):/.exec(scheme ?? '')?.[1] ?? []);
    expect(table).toEqual([...KEY_SCHEMES]);
  });

  it('names no error that the code does not have', () => {
    const named = new Set(spec.match(/ERR_[A-Z_]+/g));
    expect([...named].filter((code) => !(code in ERROR_CODES))).toEqual([]);
  });

  it('names every label of the code, and no other', () => {
    const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const inCode = new Set<string>();
    for (const name of sources) {
      const source = readFileSync(new URL(`src/${name}`, root), 'utf8').replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
      for (const [, label] of source.matchAll(/['"`](waxseal\/1 [^'"`]+)['"`]/g)) inCode.add(label ?? '');
    }
    const inSpec = new Set([...spec.matchAll(/"(waxseal\/1 [^"]+)"/g)].map(([, label]) => label ?? ''));
    expect([...inCode].filter((label) => !inSpec.has(label))).toEqual([]);
    const reserved = ['branch', 'branch-wrap', 'share', 'tree-part', 'tree-file'].map((name) => `waxseal/1 ${name}`);
    expect([...inSpec].filter((label) => !inCode.has(label) && !reserved.includes(label))).toEqual([]);
  });

  it('shows the worked example as the vector is', () => {
    const example = readFileSync(`${VECTORS}worked-example.txt`, 'utf8').trimEnd();
    const [, shown] = spec.split('<!-- begin: test/vectors/waxseal/worked-example.txt -->\n```text\n');
    expect(shown?.split('\n```\n<!-- end: test/vectors/waxseal/worked-example.txt -->')[0]).toBe(example);
    const object = readFileSync(`${VECTORS}positive/one-byte.wax`);
    for (const [, offset, , hex] of example.matchAll(/^([0-9a-f]{6}) {2}(.*)\n((?: {8}[0-9a-f]+\n?)+)/gm)) {
      const bytes = Buffer.from((hex ?? '').replaceAll(/\s/g, ''), 'hex');
      const at = parseInt(offset ?? '', 16);
      expect(object.subarray(at, at + bytes.length).equals(bytes), offset).toBe(true);
    }
  });

  it('has no link into itself that leads nowhere', () => {
    const anchors = new Set(
      [...spec.matchAll(/^##+ (.*)$/gm)].map(
        ([, title]) =>
          `#${(title ?? '')
            .toLowerCase()
            .replaceAll(/[^\w\- ]/g, '')
            .replaceAll(' ', '-')}`,
      ),
    );
    const links = [...spec.matchAll(/\]\((#[^)]+)\)/g)].map(([, target]) => target ?? '');
    expect(links.filter((target) => !anchors.has(target))).toEqual([]);
  });
});
