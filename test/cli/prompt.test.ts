import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';

const BIN = join(import.meta.dirname, '../../dist/src/cli/bin.js');
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

/** Types `answers` on a terminal; each stands for a prompt. */
function type(
  cli: CommandLine,
  answers: readonly string[],
  ...args: string[]
): { status: number | null; shown: string } {
  const script = join(import.meta.dirname, 'support/terminal.py');
  const command = ['python3', script, JSON.stringify(answers), process.execPath, BIN, ...args] as const;
  const { status, stdout } = spawnSync(command[0], command.slice(1), {
    cwd: cli.folder,
    env: cli.env,
    encoding: 'utf8',
  });
  return { status, shown: stdout };
}

describe('passphrase prompts on a terminal', () => {
  it('are hidden, asked twice for a new one, and a wrong one is refused', async (context) => {
    if (!hasPython) {
      context.skip('needs python3, to make a pseudo-terminal');
      return;
    }
    const cli = new CommandLine(await temporaryFolder());
    const differ = type(cli, ['one\r', 'two\r'], 'init');
    expect(differ).toMatchObject({ status: 2 });
    expect(differ.shown).toMatch(/the two passphrases differ/);
    expect(existsSync(join(cli.folder, 'home'))).toBe(false);
    const made = type(cli, ['correct horse\r', 'correct horse\r'], 'init');
    expect(made).toMatchObject({ status: 0 });
    expect(made.shown).toMatch(/New passphrase[\s\S]*Again[\s\S]*Created the keyring/);
    expect(made.shown).not.toContain('horse');
    const wrong = type(cli, ['wrong\r'], 'key', 'list');
    expect(wrong).toMatchObject({ status: 4 });
    expect(wrong.shown).toContain('ERR_WRONG_PASSPHRASE');
    expect(type(cli, ['correct horse\r'], 'key', 'list').shown).toContain('local:default');
  });

  it('Ctrl-C ends them with exit 130 and leaves nothing', async (context) => {
    if (!hasPython) {
      context.skip('needs python3, to make a pseudo-terminal');
      return;
    }
    const cli = new CommandLine(await temporaryFolder());
    expect(type(cli, ['\u0003'], 'init')).toMatchObject({ status: 130 });
    expect(existsSync(join(cli.folder, 'home'))).toBe(false);
  });
});
