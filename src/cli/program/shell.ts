import type { Command } from 'commander';
import { type Add, examples } from './command.ts';

const BASH = `
Where it goes:
  $ mkdir -p ~/.local/share/bash-completion/completions
  $ waxseal completion bash > ~/.local/share/bash-completion/completions/waxseal
That needs the package bash-completion. Without it, and on macOS, in ~/.bashrc:
  eval "$(waxseal completion bash)"
`;

const ZSH = `
Where it goes: a folder of $fpath, for instance
  $ mkdir -p ~/.zfunc
  $ waxseal completion zsh > ~/.zfunc/_waxseal
with this in ~/.zshrc, before compinit:
  fpath=(~/.zfunc $fpath)
`;

const FISH = `
Where it goes:
  $ waxseal completion fish > ~/.config/fish/completions/waxseal.fish
`;

/** Commands for the shell that waxseal is typed into. */
export function addShellCommands(program: Command, add: Add): void {
  const completion = program
    .command('completion')
    .description('print a script that completes commands, options, files and keys in a shell')
    .exitOverride();
  completion.addHelpText(
    'after',
    `\nbash${BASH.replace('\nWhere', ': where')}\nzsh${ZSH.replace('\nWhere', ': where')}\nfish${FISH.replace('\nWhere', ': where')}`,
  );
  for (const [shell, help] of [
    ['bash', BASH],
    ['zsh', ZSH],
    ['fish', FISH],
  ] as const) {
    add(
      completion,
      shell,
      `the script for ${shell}`,
      async () => ({ run: (await import('../commands/completion.ts')).script(program, shell) }),
      `${help}${examples(`completion ${shell}`)}`,
    );
  }
  add(
    completion,
    'keys',
    'the URIs of the keys, for the scripts',
    async () => ({ run: (await import('../commands/completion.ts')).keys }),
    examples('completion keys'),
    true,
  );
}
