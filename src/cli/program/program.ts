import { Command } from 'commander';
import type { Context, GlobalOptions } from '../context.ts';
import { examples, type Run } from './command.ts';
import { addHomeCommands } from './home.ts';
import { addKeyCommands } from './keys.ts';
import { addObjectCommands } from './objects.ts';
import { addQuorumCommands } from './quorum.ts';
import { addReplacingCommands } from './replacing.ts';
import { addShellCommands } from './shell.ts';
import { version } from './version.ts';

interface Wiring {
  readonly context: (options: GlobalOptions) => Context;
  readonly ended: (exitCode: number) => void;
}

/** Every command with its options and examples; its module is loaded when the command runs. */
export function buildProgram({ context, ended }: Wiring): Command {
  const program = new Command('waxseal')
    .description('Envelope encryption and key rotation for AI artifacts and datasets')
    .version(version())
    .option('--home <folder>', 'home folder with keyring and configuration (WAXSEAL_HOME)')
    .option('--passphrase-file <file>', 'read the passphrase of the keyring from a file (WAXSEAL_PASSPHRASE_FILE)')
    .option('--json', 'one JSON document instead of sentences')
    .option('--quiet', 'say nothing but errors and warnings')
    .configureOutput({
      outputError: (text, write) => {
        const [first = '', ...more] = text
          .trim()
          .replace(/^error: /, '')
          .split('\n');
        write([`waxseal: ${first} [ERR_USAGE]`, ...more.map((line) => `  ${line}`), ''].join('\n'));
      },
    })
    .showHelpAfterError('  next: see waxseal --help')
    .exitOverride()
    .addHelpText(
      'after',
      examples('init', 'seal model.onnx', 'rotate local:default', 'rewrap model.onnx.wax', 'open model.onnx.wax'),
    );
  if (process.argv.includes('--json')) program.configureOutput({ writeErr: () => undefined });

  function add<Options>(
    parent: Command,
    usage: string,
    description: string,
    load: () => Promise<{ readonly run: Run<Options> }>,
    help: string,
    hidden = false,
  ): Command {
    const command = parent.command(usage, { hidden }).description(description).addHelpText('after', help);
    command.exitOverride();
    command.action(async () => {
      const options = command.optsWithGlobals<Options & GlobalOptions>();
      const current = context(options);
      current.out.begin(commandPath(command));
      const { run } = await load();
      ended(await run(current, command.processedArgs.flat().filter((arg) => arg !== undefined) as string[], options));
    });
    return command;
  }

  add(
    program,
    'init',
    'create the home, the keyring and the key local:default',
    () => import('../commands/init.ts'),
    examples('init', 'init --key-file', 'init --passphrase-file secret.txt'),
  ).option('--key-file', 'leave the unlocking key in the home, for machines that nobody sits at');
  addHomeCommands(program, add);
  addKeyCommands(program, add);
  addObjectCommands(program, add);
  addQuorumCommands(program, add);
  addReplacingCommands(program, add);
  addShellCommands(program, add);
  return program;
}

/** The command that the words of a line name, as documents call it; `waxseal` where they name none. */
export function namedCommand(program: Command, words: readonly string[]): string {
  let command = program;
  for (const word of words) command = command.commands.find((below) => below.name() === word) ?? command;
  return command === program ? 'waxseal' : commandPath(command);
}

function commandPath(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}
