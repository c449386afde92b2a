import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readKeyringInfo } from '../../keys/local/index.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { offeredTree } from '../completion/tree.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Run } from '../program/command.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** A shell that completion is made for. */
export type Shell = keyof typeof SCRIPTS;

/** Prints the completion script of a shell, made from the commands as they are. */
export function script(program: Command, shell: Shell): Run<object> {
  return ({ out }) => {
    const text = SCRIPTS[shell](offeredTree(program));
    if (out.json) out.results([{ shell, script: text }]);
    else process.stdout.write(text);
    return Promise.resolve(EXIT.done);
  };
}

/**
 * Prints the URIs of the keys, for the scripts. It runs while somebody types: it unlocks and asks nothing, and what goes
 * wrong is nobody's business there.
 */
export async function keys(context: Context): Promise<number> {
  try {
    const { names } = await readKeyringInfo(await keyringFolder(context));
    const uris = names.map((name) => `local:${name}`);
    if (context.out.json) context.out.results(uris);
    else process.stdout.write(uris.map((uri) => `${uri}\n`).join(''));
  } catch {
    // No keyring, no candidates.
  }
  return EXIT.done;
}

/** A configuration that is code does not run because somebody pressed Tab. */
function keyringFolder(context: Context): Promise<string> | string {
  const code = [process.cwd(), context.home].some((folder) =>
    ['ts', 'js'].some((ending) => existsSync(join(folder, `waxseal.config.${ending}`))),
  );
  return code ? join(context.home, 'keyring') : context.keyringFolder();
}
