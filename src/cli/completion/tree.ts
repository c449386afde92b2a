import type { Argument, Command, Option } from 'commander';

/** What a shell offers for a value. `wax` is sealed files (`*.wax`), `key` a key of the keyring, `text` nothing. */
export type Kind = 'file' | 'wax' | 'folder' | 'key' | 'text' | 'choice';

/** A value of an option or argument. */
export interface Value {
  readonly name: string;
  readonly kind: Kind;
  /** For `choice`. */
  readonly choices: readonly string[];
  /** Whether more of them may follow. */
  readonly variadic: boolean;
}

/** An option that `--help` shows. */
export interface OfferedOption {
  /** Short and long, as `-k` and `--key`. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: Value | undefined;
  readonly repeatable: boolean;
}

/** A command that `--help` shows, with the options of the program that it takes too. */
export interface OfferedCommand {
  /** As it is typed behind `waxseal`: `seal`, `key create`; empty for the program itself. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OfferedOption[];
  readonly values: readonly Value[];
  readonly commands: readonly OfferedCommand[];
}

/** What a name between `<` and `>` stands for; any other is free text. */
const KINDS: Readonly<Record<string, Kind>> = {
  file: 'file',
  folder: 'folder',
  key: 'key',
  uri: 'key',
  copy: 'wax',
  path: 'wax',
};

/** Commands whose paths are files of any name. */
const ANY_FILE = ['seal', 'doctor'];

/** The commands and options of the program, as completion offers them: what is hidden from help is not in it. */
export function offeredTree(program: Command): OfferedCommand {
  const everywhere = program.options
    .filter((option) => !option.hidden && option.long !== '--version')
    .map((option) => offeredOption(option, ''));
  return offered(program, '', everywhere);
}

/** A tree as a list: the program, then every command before its subcommands. */
export function allCommands(command: OfferedCommand): OfferedCommand[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function offered(command: Command, path: string, everywhere: readonly OfferedOption[]): OfferedCommand {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map((sub) => {
    const subPath = path === '' ? sub.name() : `${path} ${sub.name()}`;
    return offered(sub, subPath, everywhere);
  });
  const own = help.visibleOptions(command).map((option) => offeredOption(option, command.name()));
  const names = commands.map(({ name }) => name).filter((name) => name !== 'help');
  return {
    path,
    name: command.name(),
    description: command.description(),
    options: [...own, ...(path === '' ? [] : everywhere)],
    values: command.registeredArguments.map((argument) => valueOf(argument, argument.name(), command.name())),
    // `help` takes the name of a command beside it.
    commands: commands.map((sub) => (sub.name === 'help' ? { ...sub, values: [oneOf(sub.values, names)] } : sub)),
  };
}

function offeredOption(option: Option, command: string): OfferedOption {
  const placeholder = /[<[](.*?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value: placeholder === undefined ? undefined : valueOf(option, placeholder, command, 'wax'),
    repeatable: option.variadic || option.parseArg !== undefined,
  };
}

function valueOf(from: Option | Argument, name: string, command: string, path?: Kind): Value {
  const { argChoices: choices = [], variadic } = from;
  if (choices.length > 0) return { name, kind: 'choice', choices, variadic };
  const any = name === 'path' && path === undefined && ANY_FILE.includes(command);
  return { name, kind: any ? 'file' : (KINDS[name] ?? 'text'), choices: [], variadic };
}

function oneOf([value]: readonly Value[], choices: readonly string[]): Value {
  return { name: value?.name ?? 'command', kind: 'choice', choices, variadic: false };
}
