/** Completion, in the shells themselves: what they offer is what the program takes. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program/program.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';
import { scaled } from '../tier.ts';
import { installInto } from '../support/shim.ts';
import { candidates, missingShells, type Shell, SHELLS } from './support/shells.ts';

const missing = missingShells();
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

let cli: CommandLine;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  cli = await preparedCommandLine();
  env = { ...cli.env, ...(await installInto(cli.folder)) };
});

/** What a shell offers for each line, in a folder where there is something to complete. */
function offers(shell: Shell, lines: readonly string[], more: NodeJS.ProcessEnv = {}): Map<string, string[]> {
  const script = join(cli.folder, `completion.${shell}`);
  writeFileSync(script, cli.ok('completion', shell));
  const cwd = join(cli.folder, 'work');
  mkdirSync(join(cwd, 'models/deep'), { recursive: true });
  for (const name of ['a.txt', 'b.wax', 'c with space.wax']) writeFileSync(join(cwd, name), '');
  return candidates(shell, script, lines, { cwd, env: { ...env, ...more } });
}

function program(): Command {
  const unused = (): never => {
    throw new RangeError('not run');
  };
  return buildProgram({ context: unused, ended: unused });
}

/** The words behind `waxseal` of every command, those that only group others and `help` included. */
function paths(command: Command, path: readonly string[] = []): { command: Command; path: readonly string[] }[] {
  const below = command.createHelp().visibleCommands(command);
  return [{ command, path }, ...below.flatMap((sub) => paths(sub, [...path, sub.name()]))];
}

/** What the text of `--help` lists under a heading: the first word or words of its lines. */
function listed(command: Command, heading: string): string[] {
  const section = command.helpInformation().split(`\n${heading}:\n`)[1]?.split('\n\n')[0] ?? '';
  return section
    .split('\n')
    .map((line) => /^ {2}(\S.*?)(?: {2}|$)/.exec(line)?.[1] ?? '')
    .filter((text) => text !== '');
}

const flagsOf = (text: string): string[] => text.match(/(?<=^|, )--?[\w-]+/g) ?? [];

/** The short tier tries one of the shells that are here, and another one on another day. */
const here = SHELLS.filter((shell) => !missing.includes(shell));
const TRIED = scaled(here.length === 0, false, false)
  ? SHELLS
  : SHELLS.filter((shell) => scaled(shell === here[new Date().getDate() % here.length], true, true));

describe.each(TRIED)('completion in %s', (shell) => {
  it.skipIf(missing.includes(shell))(
    'offers every command and every option that --help shows, and nothing else',
    () => {
      const all = paths(program());
      const everywhere = listed(program(), 'Options')
        .flatMap(flagsOf)
        .filter((flag) => !['-V', '--version', '-h', '--help'].includes(flag));
      expect(everywhere).toContain('--json');
      const line = (path: readonly string[], end: string): string => ['waxseal', ...path, end].join(' ');
      const found = offers(shell, [
        ...all.flatMap(({ path }) => [line(path, '-'), line(path, '--')]),
        ...all.filter(({ command }) => command.commands.length > 0).map(({ path }) => line(path, '')),
      ]);
      for (const { command, path } of all) {
        const options = [...new Set([...listed(command, 'Options').flatMap(flagsOf), ...everywhere])].sort();
        // fish offers long options behind one hyphen too, and short ones only there.
        const offered = new Set([...(found.get(line(path, '-')) ?? []), ...(found.get(line(path, '--')) ?? [])]);
        expect([...offered].sort(), line(path, '-')).toEqual(options);
        if (command.commands.length === 0) continue;
        const commands = listed(command, 'Commands').map((text) => text.split(' ')[0]);
        expect(commands.length).toBeGreaterThan(1);
        expect(found.get(line(path, '')), line(path, '')).toEqual(commands.sort());
      }
    },
  );

  it.skipIf(missing.includes(shell))('offers sealed files where objects go, any file to seal, and folders', () => {
    const found = offers(shell, [
      ...['open', 'verify', 'inspect', 'rewrap', 'cat', 'repair', 'recipients add'].map((verb) => `waxseal ${verb} `),
      'waxseal seal ',
      'waxseal seal -o ',
      'waxseal open c',
      'waxseal open models/',
      'waxseal open a',
      'waxseal --home ',
      'waxseal --home m',
      'waxseal --json open --force b.wax b',
      'waxseal rotate local:default --rewrap b.wax ',
      'waxseal seal --size ',
      'waxseal help re',
    ]);
    const sealed = ['b.wax', 'c with space.wax', 'models'];
    const files = ['a.txt', ...sealed];
    for (const verb of ['open', 'verify', 'inspect', 'rewrap', 'cat', 'repair', 'recipients add']) {
      expect(found.get(`waxseal ${verb} `), verb).toEqual(sealed);
    }
    expect(found.get('waxseal seal ')).toEqual(files);
    expect(found.get('waxseal seal -o ')).toEqual(files);
    expect(found.get('waxseal open c')).toEqual(['c with space.wax']);
    expect(found.get('waxseal open models/')?.map((path) => path.replace(/^models\//, ''))).toEqual(['deep']);
    // Whoever names sealed files otherwise is not left alone.
    expect(found.get('waxseal open a')).toEqual(['a.txt']);
    expect(found.get('waxseal --home ')).toEqual(['models']);
    expect(found.get('waxseal --home m')).toEqual(['models']);
    expect(found.get('waxseal --json open --force b.wax b')).toEqual(['b.wax']);
    expect(found.get('waxseal rotate local:default --rewrap b.wax ')).toEqual(sealed);
    expect(found.get('waxseal seal --size ')).toEqual([]);
    expect(found.get('waxseal help re')).toEqual(['recipients', 'repair', 'reseal', 'rewrap']);
  });

  it.skipIf(missing.includes(shell))(
    'offers the keys of the home that the line names, and none where there is none',
    () => {
      cli.ok('key', 'create', 'local:datasets');
      const home = join(cli.folder, 'home');
      const lines = [
        'waxseal key show ',
        'waxseal rotate local:da',
        'waxseal seal -k ',
        'waxseal rewrap b.wax --to local:',
      ];
      const keys = ['local:datasets', 'local:default'];
      const expected = [keys, keys.slice(0, 1), keys, keys];
      const found = offers(shell, lines);
      for (const [index, line] of lines.entries()) {
        // bash is given only what stands behind the colon that readline cut the word at.
        const prefix = shell === 'bash' && line.includes('local:') ? 'local:' : '';
        expect(
          found.get(line)?.map((key) => prefix + key),
          line,
        ).toEqual(expected[index]);
      }
      const elsewhere = offers(shell, ['waxseal key show ', `waxseal --home ${home} key show `], {
        WAXSEAL_HOME: '/nowhere',
      });
      expect([...elsewhere.values()]).toEqual([[], keys]);
    },
  );

  it('stands in the help with the place where the script goes, and comes as JSON too', () => {
    expect(cli.ok('completion', '--help')).toContain(`waxseal completion ${shell}`);
    expect(cli.ok('completion', shell, '--help')).toMatch(/Where it goes/);
    const { ok, results } = JSON.parse(cli.ok('completion', shell, '--json')) as { ok: boolean; results: object[] };
    expect({ ok, results }).toEqual({ ok: true, results: [{ shell, script: cli.ok('completion', shell) }] });
  });
});

describe('completion', () => {
  it.skipIf(!hasPython || missing.includes('bash'))('a key is completed behind its colon by Tab in a real bash', () => {
    const rc = join(cli.folder, 'bashrc');
    writeFileSync(rc, `PS1=:\n${cli.ok('completion', 'bash')}`);
    const typed = 'waxseal seal -k local:def\t\u0001echo \rexit\r';
    const terminal = join(import.meta.dirname, 'support/terminal.py');
    const bash = spawnSync('sh', ['-c', 'command -v bash'], { encoding: 'utf8' }).stdout.trim();
    const args = [terminal, JSON.stringify([typed]), bash, '--noprofile', '--rcfile', rc, '-i'];
    const { stdout } = spawnSync('python3', args, { cwd: cli.folder, env, encoding: 'utf8' });
    expect(stdout).toMatch(/^waxseal seal -k local:default *\r?$/m);
  });

  it('the helper for key names asks nothing, needs no passphrase, and never fails', () => {
    const home = join(cli.folder, 'guarded');
    const secret = join(cli.folder, 'secret');
    writeFileSync(secret, 'correct horse');
    chmodSync(secret, 0o600);
    cli.ok('--home', home, 'init', '--passphrase-file', secret);
    expect(cli.ok('--home', home, 'completion', 'keys')).toBe('local:default\n');
    writeFileSync(join(home, 'keyring/keyring.json'), '{');
    const broken = cli.run(['--home', home, 'completion', 'keys']);
    expect(broken).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(cli.run(['--home', '/nowhere', 'completion', 'keys'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('pressing Tab runs no configuration that is code', () => {
    const config = join(cli.folder, 'waxseal.config.js');
    writeFileSync(config, "import { writeFileSync } from 'node:fs';\nwriteFileSync('ran', '');\nexport default {};\n");
    expect(cli.ok('completion', 'keys')).toBe('local:default\n');
    expect(() => readFileSync(join(cli.folder, 'ran'))).toThrow();
  });

  it('the helper is hidden, as are hidden options', () => {
    expect(cli.ok('completion', '--help')).not.toMatch(/^ +keys/m);
    const hidden = paths(program()).flatMap(({ command }) => command.options.filter((option) => option.hidden));
    for (const shell of SHELLS) {
      const script = cli.ok('completion', shell);
      for (const { long } of hidden) expect(script).not.toMatch(new RegExp(`[ '"]${long ?? ''}[ =\\['"]`));
    }
  });
});
