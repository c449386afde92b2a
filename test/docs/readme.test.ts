import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/cli/config.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { KEY_SCHEMES } from '../../src/keys/uri.ts';
import { buildIfStale } from '../build.ts';
import { runtimes } from '../runtimes/runtimes.ts';
import { hasOpenBao, startOpenBao } from '../servers/openbao.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installInto } from '../support/shim.ts';
import { errorTable, tableIn } from './error-table.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = ['README.md', 'SPEC.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'providers/README.md'];
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

interface Rules {
  readonly forbidden: readonly { readonly name: string; readonly comment?: string }[];
}

interface Block {
  readonly language: string;
  /** The server that it needs: readme-servers.test.ts runs it. */
  readonly server: string | undefined;
  readonly text: string;
  /** Why the tests do not run it. */
  readonly exempt: string | undefined;
}

function blocks(markdown: string): Block[] {
  const marks = /(?:<!-- (not run by the tests|run against): (.*?) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...markdown.matchAll(marks)].map(([, mark, note, language = '', text = '']) => ({
    exempt: mark === 'not run by the tests' ? note : undefined,
    server: mark === 'run against' ? note : undefined,
    language,
    text,
  }));
}

describe('README.md', () => {
  const all = blocks(read('README.md'));

  // The blocks use the built package.
  beforeAll(buildIfStale);

  it('has blocks of commands and of code, and every one runs or says why not', () => {
    expect(all.filter(({ language }) => language === 'sh').length).toBeGreaterThanOrEqual(2);
    expect(all.filter(({ language }) => language === 'ts').length).toBeGreaterThanOrEqual(2);
    for (const { language, exempt, text } of all) {
      expect(exempt === undefined ? ['sh', 'ts', 'yaml'] : [''], text).toContain(language);
      if (exempt !== undefined) expect(text).toMatch(/^(npm (ci|install .*|run demo)\n)+$/);
    }
  });

  it.each(all.filter(({ language }) => language === 'yaml'))('the configuration is one: $text', async ({ text }) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'waxseal.config.yaml'), text);
    expect(Object.keys(await readConfig([folder])).length).toBeGreaterThan(1);
  });

  const ours = all.filter(({ language, server }) => language === 'sh' && server === undefined);
  it.each(ours)('the commands run: $text', async ({ text }) => {
    const folder = await temporaryFolder();
    const env = await installInto(folder);
    const run = spawnSync('sh', ['-eu', '-c', text], { cwd: folder, env, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  const served = all.filter(({ server }) => server !== undefined);
  it.each(served)('the commands run against $server: $text', async ({ text, server, language }) => {
    expect([server, language]).toEqual(['OpenBao', 'sh']);
    if (!hasOpenBao()) return;
    await using bao = await startOpenBao();
    await bao.createKey('models');
    const folder = await temporaryFolder();
    const installed = await installInto(folder);
    const env = { ...installed, VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken };
    const run = spawnSync('sh', ['-eu', '-c', text], { cwd: folder, env, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it.each(all.filter(({ language }) => language === 'ts'))(
    'the code runs under every line of Node that is here: $text',
    async ({ text }) => {
      for (const { major, path } of runtimes()) {
        const folder = await temporaryFolder();
        const env = await installInto(folder);
        await writeFile(join(folder, 'program.mts'), text);
        const run = spawnSync(path, ['program.mts'], { cwd: folder, env, encoding: 'utf8' });
        // Node 22 announces on standard error that it strips types.
        expect(major === 22 ? '' : run.stderr).toBe('');
        expect(run.status, `Node ${String(major)}: ${run.stderr}`).toBe(0);
      }
    },
  );

  it('the troubleshooting table is the table of error codes', () => {
    // Another table is written by npm run docs:errors.
    expect(tableIn(read('README.md')).split('\n')).toEqual(errorTable().split('\n'));
  });

  it('the table of exit codes has those of the program', () => {
    const table = read('README.md').split('### Exit codes')[1]?.split('\n## ')[0] ?? '';
    const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  it('the table of key URIs has every scheme, and says which of them work', () => {
    const table = read('README.md').split('\n## Keys')[1]?.split('\n## ')[0] ?? '';
    const rows = [...table.matchAll(/^\| `([a-z0-9]+):.*\| (yes|not yet) \|$/gm)];
    expect(rows.map(([, scheme]) => scheme)).toEqual([...KEY_SCHEMES]);
    expect(rows.filter(([, , works]) => works === 'yes').map(([, scheme]) => scheme)).toEqual([
      'local',
      'x25519',
      'awskms',
      'gcpkms',
      'hashivault',
      'pkcs11',
      'quorum',
    ]);
  });

  it('names every command of the program', async () => {
    const { buildProgram } = await import('../../src/cli/program/program.ts');
    const unused = (): never => {
      throw new RangeError('not run');
    };
    const { commands } = buildProgram({ context: unused, ended: unused });
    const text = read('README.md');
    for (const command of commands) {
      expect(text).toContain(`\`${command.name()}`);
      for (const { name } of command.commands.map((sub) => ({ name: sub.name() }))) expect(text).toContain(name);
    }
  });

  it('names every verb that the package exports', async () => {
    const verbs = Object.entries(await import('../../src/envelope/index.ts'))
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => name);
    expect(verbs.length).toBeGreaterThan(10);
    for (const verb of verbs) expect(read('README.md')).toContain(`\`${verb}\``);
  });
});

describe('documents', () => {
  it.each(DOCUMENTS)('%s: links to files and headings lead somewhere', (name) => {
    const slug = (heading: string): string =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s-]/gu, '')
        .replaceAll(/\s/g, '-');
    for (const [, target = ''] of read(name).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? name : join(name, '..', file);
      let text = '';
      expect(() => (text = file.endsWith('.md') || file === '' ? read(path) : ''), target).not.toThrow();
      if (anchor !== undefined) {
        const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => slug(match[1] ?? ''));
        expect(headings, target).toContain(anchor);
      }
    }
  });

  it('scripts that are named exist, and the changelog begins with the version of the package', () => {
    const { scripts, version } = JSON.parse(read('package.json')) as { scripts: object; version: string };
    for (const name of DOCUMENTS) {
      for (const [, script = ''] of read(name).matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script]);
    }
    expect(/^## \[(.*?)\]/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  });

  it('the house in CONTRIBUTING.md has the rooms that stand, each on the floor that the layer rules give it', () => {
    const house = read('CONTRIBUTING.md').split('## The house')[1]?.split('\n## ')[0] ?? '';
    const floors = [...house.matchAll(/^\| (\d) \| (.*?) \|/gm)].map(([, floor, rooms = '']) => ({
      floor: Number(floor),
      rooms: [...rooms.matchAll(/`(\w+)`/g)].map(([, room = '']) => room),
    }));
    const src = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(floors.flatMap(({ rooms }) => rooms).sort()).toEqual(src.map(({ name }) => name).sort());
    const rules = (createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as Rules).forbidden;
    for (const { floor, rooms } of floors) {
      for (const room of rooms) {
        expect(rules.find(({ name }) => name === `floor-of-${room}`)?.comment).toContain(`floor ${String(floor)}:`);
      }
    }
  });

  it('names no path of a machine and no registry host', () => {
    for (const name of [
      ...DOCUMENTS,
      ...readdirSync(join(ROOT, 'examples'), { recursive: true }).map((file) => `examples/${String(file)}`),
    ]) {
      if (!/\.(md|ts)$/.test(name)) continue;
      expect(read(name), name).not.toMatch(/\/(home|root|Users|work|tmp)\/\w|\bregistry\.\w+\.\w/);
    }
  });

  it('examples that are named exist', () => {
    for (const name of DOCUMENTS) {
      for (const [path] of read(name).matchAll(/examples\/[\w-]+\.ts/g)) expect(() => read(path), path).not.toThrow();
    }
  });
});
