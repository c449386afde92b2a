import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installInto } from '../support/shim.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = ['README.md', 'SPEC.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'providers/README.md'];
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
  /** Why the tests do not run it. */
  readonly exempt: string | undefined;
}

function blocks(markdown: string): Block[] {
  return [...markdown.matchAll(/(?:<!-- not run by the tests: (.*?) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    (match) => ({
      exempt: match[1],
      language: match[2] ?? '',
      text: match[3] ?? '',
    }),
  );
}

describe('README.md', () => {
  const all = blocks(read('README.md'));

  it('has blocks of commands and of code, and every one runs or says why not', () => {
    expect(all.filter(({ language }) => language === 'sh').length).toBeGreaterThanOrEqual(2);
    expect(all.filter(({ language }) => language === 'ts').length).toBeGreaterThanOrEqual(2);
    for (const { language, exempt, text } of all) {
      expect(exempt === undefined ? ['sh', 'ts'] : [''], text).toContain(language);
    }
  });

  it.each(all.filter(({ language }) => language === 'sh'))('the commands run: $text', async ({ text }) => {
    const folder = await temporaryFolder();
    const env = await installInto(folder);
    const run = spawnSync('sh', ['-eu', '-c', text], { cwd: folder, env, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it.each(all.filter(({ language }) => language === 'ts'))('the code runs: $text', async ({ text }) => {
    const folder = await temporaryFolder();
    const env = await installInto(folder);
    await writeFile(join(folder, 'program.mts'), text);
    const run = spawnSync('node', ['program.mts'], { cwd: folder, env, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('the troubleshooting table is the table of error codes', () => {
    const table = /<!-- errors:begin -->\n([\s\S]*?)\n<!-- errors:end -->/
      .exec(read('README.md'))?.[1]
      ?.split('\n')
      .slice(2);
    const expected = Object.entries(ERROR_CODES).map(
      ([code, { exit, meaning, next }]) => `| \`${code}\` | ${String(exit)} | ${meaning} | ${next} |`,
    );
    expect(table).toEqual(expected);
  });

  it('names every command of the program', async () => {
    const { buildProgram } = await import('../../src/cli/program.ts');
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

  it('examples that are named exist', () => {
    for (const name of DOCUMENTS) {
      for (const [path] of read(name).matchAll(/examples\/[\w-]+\.ts/g)) expect(() => read(path), path).not.toThrow();
    }
  });
});
