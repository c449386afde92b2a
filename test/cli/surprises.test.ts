/** What a user would not expect, and must not lose anything by. */
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { pattern } from '../support/bytes.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);

beforeEach(async () => {
  cli = await preparedCommandLine();
});

describe('surprises', () => {
  it('an older version that was disabled can be enabled again, and opens what it wrapped', () => {
    cli.ok('rotate', 'local:default');
    cli.ok('key', 'disable', 'local:default', '--key-version', '1');
    expect(cli.run(['open', 'm.wax', '-o', 'x'])).toMatchObject({ status: 4 });
    expect(cli.ok('key', 'enable', 'local:default', '--key-version', '1')).toMatch(
      /deactivated: it opens what it wrapped/,
    );
    cli.ok('open', 'm.wax', '-o', 'x');
  });

  it('--remove refuses links: the plaintext would stay behind', () => {
    symlinkSync('m', at('link'));
    expect(cli.run(['seal', 'link', '--remove']).stderr).toMatch(/link is a symbolic link/);
    linkSync(at('m'), at('twin'));
    expect(cli.run(['seal', 'm', '-o', 'n.wax', '--remove'])).toMatchObject({ status: 2 });
    expect(readFileSync(at('m'))).toHaveLength(300_000);
    expect(existsSync(at('n.wax'))).toBe(false);
  });

  it('names and contexts cannot draw on the terminal', () => {
    cli.ok(
      'seal',
      'm',
      '-o',
      'forged.wax',
      '--context',
      'k=\u001b[31mred\n  recipient   local:fake version 9, current',
    );
    const shown = cli.ok('inspect', 'forged.wax');
    expect(shown).not.toContain('\u001b[31m');
    expect(shown).not.toMatch(/^ +recipient +local:fake/m);
    expect(shown).toContain('\\x1b[31mred\\x0a');
  });

  it('the input is never replaced by its own output, whatever --force says; nor are folders and pipes', () => {
    for (const args of [
      ['seal', 'm', '-o', 'm', '--force'],
      ['open', 'm.wax', '-o', 'm.wax', '--force'],
      ['open', 'm.wax', '-o', './m.wax', '--force'],
    ]) {
      expect(cli.run(args)).toMatchObject({ status: 2 });
    }
    expect(readFileSync(at('m'))).toHaveLength(300_000);
    cli.ok('verify', 'm.wax');
    expect(cli.run(['open', 'm.wax', '-o', 'home', '--force']).stderr).toMatch(/home is a folder/);
    execFileSync('mkfifo', [at('pipe')]);
    expect(cli.run(['open', 'm.wax', '-o', 'pipe', '--force']).stderr).toMatch(/not a regular file/);
  });

  it('standard input beside other inputs is refused, because one of them would be ignored', () => {
    expect(cli.run(['seal', '-', 'm'], { input: pattern(5) })).toMatchObject({ status: 2 });
    expect(cli.run(['open', '-', 'm.wax'], { input: pattern(5) })).toMatchObject({ status: 2 });
    expect(existsSync(at('-.wax'))).toBe(false);
  });

  it('a missing input is told as missing when the output is standard output, too', () => {
    for (const args of [
      ['seal', 'absent', '-o', '-'],
      ['open', 'absent.wax', '-o', '-'],
    ]) {
      const run = cli.run(args);
      expect(run.stderr).toMatch(/cannot read absent.*ERR_FILE_NOT_FOUND/);
      expect(run.status).toBe(1);
    }
  });

  it('rotate --rewrap with a path that is not there rotates nothing', () => {
    expect(cli.run(['rotate', 'local:default', '--rewrap', 'absent.wax'])).toMatchObject({ status: 1 });
    expect(cli.run(['rotate', 'local:default', '--rewrap', 'home'])).toMatchObject({ status: 2 });
    const key = JSON.parse(cli.ok('key', 'show', 'local:default', '--json')) as { results: { versions: unknown[] }[] };
    expect(key.results[0]?.versions).toHaveLength(1);
    const rotated = JSON.parse(cli.ok('rotate', 'local:default', '--rewrap', 'm.wax', '--json')) as {
      results: object[];
    };
    expect(rotated.results).toMatchObject([{ uri: 'local:default' }, { path: 'm.wax', changed: true }]);
  });

  it('rotate-passphrase --to-key-file makes a new key file, and moving to a passphrase removes it', () => {
    const old = readFileSync(at('home/keyring.key'), 'utf8');
    cli.ok('key', 'rotate-passphrase', '--to-key-file');
    expect(readFileSync(at('home/keyring.key'), 'utf8')).not.toBe(old);
    cli.ok('open', 'm.wax', '-o', 'x');
    // Interrupted between the change and the rename: the next command completes it.
    renameSync(at('home/keyring.key'), at('home/keyring.key.next'));
    writeFileSync(at('home/keyring.key'), old, { mode: 0o600 });
    cli.ok('open', 'm.wax', '-o', 'y');
    expect(existsSync(at('home/keyring.key.next'))).toBe(false);
    writeFileSync(at('secret'), 'correct horse\n');
    cli.ok('key', 'rotate-passphrase', '--new-passphrase-file', 'secret');
    expect(existsSync(at('home/keyring.key'))).toBe(false);
    cli.ok('open', 'm.wax', '-o', 'z', '--passphrase-file', 'secret');
  });

  it('a mistake in a line names its command in the document', () => {
    for (const [words, command] of [
      [['key', 'disable', 'local:default'], 'key disable'],
      [['seal'], 'seal'],
      [['open', 'm.wax', '--nothing'], 'open'],
      [['recipients', 'add', 'm.wax'], 'recipients add'],
      [['nothing'], 'waxseal'],
    ] as const) {
      const { status, stdout } = cli.run([...words, '--json']);
      expect(JSON.parse(stdout), words.join(' ')).toMatchObject({ ok: false, command, error: { code: 'ERR_USAGE' } });
      expect(status).toBe(2);
    }
  });
});
