import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { WaxsealError } from '../errors/index.ts';
import type { Context, GlobalOptions } from './context.ts';

interface Wiring {
  readonly context: (options: GlobalOptions) => Context;
  readonly ended: (exitCode: number) => void;
}

/** What a command's module exports: it does the work and gives the exit code. */
export type Run<Options> = (context: Context, args: readonly string[], options: Options) => Promise<number>;

const NOT_REVOCATION = `
Rewrapping is not revocation: whoever could open the object before may have kept its data key or a copy.
If a data key may have leaked, open the object and seal it anew.`;

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
  ): Command {
    const command = parent.command(usage).description(description).addHelpText('after', help);
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
    () => import('./commands/init.ts'),
    examples('init', 'init --key-file', 'init --passphrase-file secret.txt'),
  ).option('--key-file', 'leave the unlocking key in the home, for machines that nobody sits at');
  addKeyCommands(program, add);
  addObjectCommands(program, add);
  return program;
}

type Add = <Options>(
  parent: Command,
  usage: string,
  description: string,
  load: () => Promise<{ readonly run: Run<Options> }>,
  help: string,
) => Command;

function addKeyCommands(program: Command, add: Add): void {
  const key = program.command('key').description('keys of the local keyring').exitOverride();
  key.addHelpText('after', examples('key list', 'key show local:default', 'key backup -o keyring.backup'));
  add(
    key,
    'create <key>',
    'make a key',
    async () => ({ run: (await import('./commands/keys.ts')).create }),
    examples('key create local:datasets'),
  );
  add(
    key,
    'list',
    'list the keys',
    async () => ({ run: (await import('./commands/keys.ts')).list }),
    examples('key list', 'key list --json'),
  );
  add(
    key,
    'show <key>',
    'show the versions of a key and their states',
    async () => ({ run: (await import('./commands/keys.ts')).show }),
    examples('key show local:default'),
  );
  for (const [name, what] of [
    ['disable', 'suspend a version: it neither wraps nor unwraps until it is enabled again'],
    ['enable', 'enable a suspended version again'],
  ] as const) {
    add(
      key,
      `${name} <key>`,
      what,
      async () => ({ run: (await import('./commands/keys.ts'))[name] }),
      examples(`key ${name} local:default --key-version 1`),
    ).requiredOption('--key-version <version>', 'the version, as key show names it');
  }
  add(
    key,
    'rotate-passphrase',
    'change what unlocks the keyring',
    async () => ({ run: (await import('./commands/unlocking.ts')).rotatePassphrase }),
    `
Backups made before keep the passphrase that they were made with.
${examples('key rotate-passphrase', 'key rotate-passphrase --new-passphrase-file new.txt', 'key rotate-passphrase --to-key-file')}`,
  )
    .option('--new-passphrase-file <file>', 'read the new passphrase from a file')
    .option('--to-key-file', 'unlock with a key file in the home from now on');
  add(
    key,
    'backup',
    'write everything needed to restore the keyring into one file, under a passphrase',
    async () => ({ run: (await import('./commands/unlocking.ts')).backup }),
    examples('key backup -o keyring.backup', 'key backup -o keyring.backup --backup-passphrase-file secret.txt'),
  )
    .requiredOption('-o, --output <file>', 'where the backup goes')
    .option('--backup-passphrase-file <file>', 'read the passphrase of the backup from a file');
  add(
    key,
    'restore <file>',
    'restore a keyring from its backup, or add what it lacks',
    async () => ({ run: (await import('./commands/unlocking.ts')).restore }),
    examples('key restore keyring.backup', 'key restore keyring.backup --key-file'),
  )
    .option('--backup-passphrase-file <file>', 'read the passphrase of the backup from a file')
    .option('--key-file', 'unlock the restored keyring with a key file in the home');
}

function addObjectCommands(program: Command, add: Add): void {
  add(
    program,
    'seal <path...>',
    'seal files: x becomes x.wax',
    () => import('./commands/seal.ts'),
    examples(
      'seal model.onnx',
      'seal -k local:datasets data.parquet --context team=vision',
      'tar c folder | waxseal seal - -o folder.tar.wax',
    ),
  )
    .option('-k, --key <uri>', 'key to seal to (the default key otherwise); repeat it for several', collect)
    .option('-o, --output <file>', 'output, - for standard output')
    .option('--context <name=value>', 'public, authenticated fact about the object; repeatable', collect)
    .option('--size <bytes>', 'exact size of what comes from standard input')
    .option('--force', 'replace existing output')
    .option('--remove', 'delete the plaintext after the sealed object has been verified')
    .addOption(new Option('--compact').hideHelp())
    .addOption(new Option('--detached').hideHelp());
  add(
    program,
    'open <path...>',
    'open sealed files: x.wax becomes x',
    () => import('./commands/open.ts'),
    examples(
      'open model.onnx.wax',
      'open model.onnx.wax -o /run/model.onnx',
      'open - -o - < model.onnx.wax > model.onnx',
    ),
  )
    .option('-o, --output <file>', 'output, - for standard output')
    .option('--force', 'replace existing output')
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect);
  add(
    program,
    'cat <path>',
    'write the plaintext, or a range of it, to standard output',
    () => import('./commands/cat.ts'),
    examples('cat config.json.wax', 'cat data.parquet.wax --range 0-3'),
  )
    .option('--range <first-last>', 'bytes first to last, both included, as in HTTP')
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect);
  add(
    program,
    'inspect <path...>',
    'show what the head of a sealed object says; no key needed',
    () => import('./commands/inspect.ts'),
    examples('inspect model.onnx.wax', 'inspect --check model.onnx.wax'),
  ).option('--check', 'ask the keyring whether the recipients are on the current versions');
  add(
    program,
    'verify <path...>',
    'authenticate everything in sealed objects; nothing is written',
    () => import('./commands/verify.ts'),
    examples('verify model.onnx.wax'),
  )
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect);
  add(
    program,
    'rotate <key>',
    'make a new version of a key current',
    () => import('./commands/rotate.ts'),
    `${NOT_REVOCATION}
${examples('rotate local:default', 'rotate local:default --rewrap models -r')}`,
  )
    .option('--rewrap <path...>', 'then rewrap these')
    .option('-r, --recursive', 'walk folders for *.wax')
    .option('--dry-run', 'say what would be done');
  add(
    program,
    'rewrap <path...>',
    'bring recipients to the current versions of their keys, in place',
    () => import('./commands/rewrap.ts'),
    `${NOT_REVOCATION}
${examples('rewrap model.onnx.wax', 'rewrap -r models', 'rewrap model.onnx.wax --from local:old --to local:new')}`,
  )
    .option('-r, --recursive', 'walk folders for *.wax')
    .option('--from <uri>', 'replace exactly this recipient; goes with --to')
    .option('--to <uri>', 'the key that takes its place')
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--allow-network-fs', 'rewrite in place on a network file system too');
  const recipients = program.command('recipients').description('who can open a sealed object').exitOverride();
  recipients.addHelpText('after', examples('recipients add model.onnx.wax -k local:recovery'));
  for (const name of ['add', 'remove'] as const) {
    add(
      recipients,
      `${name} <path...>`,
      `${name} a recipient, in place`,
      async () => ({ run: (await import('./commands/recipients.ts'))[name] }),
      `${name === 'remove' ? NOT_REVOCATION : ''}
${examples(`recipients ${name} model.onnx.wax -k local:recovery`)}`,
    )
      .requiredOption('-k, --key <uri>', 'the key')
      .option('--dry-run', 'say what would be done, and write nothing');
  }
  add(
    program,
    'repair <path>',
    'restore a damaged head or slot from what survived',
    () => import('./commands/repair.ts'),
    examples('repair model.onnx.wax', 'repair model.onnx.wax --from backup/model.onnx.wax'),
  )
    .option('--from <copy>', 'another copy of the same object; an old one will do')
    .option('--dry-run', 'say what would be done, and write nothing');
}

/** A variadic option would swallow the paths behind it: each value takes an option of its own. */
function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

function examples(...lines: readonly string[]): string {
  const shown = lines.map((line) => `  $ ${line.includes('|') ? line : `waxseal ${line}`}`);
  return `\nExamples:\n${shown.join('\n')}\n`;
}

function commandPath(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}

function version(): string {
  // Two folders up in the sources, three in the built package: the nearest package.json of ours counts.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'waxseal' && found !== undefined) return found;
    } catch {
      continue;
    }
  }
  throw new WaxsealError('ERR_INTERNAL', 'the package of waxseal is incomplete: package.json is missing');
}
