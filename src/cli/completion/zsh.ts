import { allCommands, type OfferedCommand, type OfferedOption, type Value } from './tree.ts';

/** The completion script for zsh: a file `_waxseal` in `$fpath`, or text for `source`. */
export function zshCompletion(program: OfferedCommand): string {
  return `#compdef waxseal
# zsh completion of waxseal
# waxseal completion --help says where it goes.

# Sealed files and folders; where there is none, any file.
(( $+functions[__waxseal_wax] )) || __waxseal_wax() {
  _files -g '*.wax(-.)'
}

# The names of the keys of the keyring that the line is about.
(( $+functions[__waxseal_keys] )) || __waxseal_keys() {
  local -a home found
  local i
  for (( i = 2; i < $#_waxseal_line; i++ )); do
    case $_waxseal_line[i] in
      --home) home=(--home=\${(Q)_waxseal_line[i+1]}) ;;
      --home=*) home=(\${(Q)_waxseal_line[i]}) ;;
    esac
  done
  [[ $home == '--home=~'* ]] && home=(--home=$HOME\${home#--home=\\~})
  found=(\${(f)"$(\${(Q)_waxseal_line[1]} $home completion keys 2>/dev/null </dev/null)"})
  compadd "$@" -a found
}

${allCommands(program)
  .map((command) => commandFunction(command))
  .join('\n\n')}

# Read by source, it is registered; as an autoloaded file it is the function's first call.
if [[ $funcstack[1] == _waxseal ]]; then
  _waxseal "$@"
else
  compdef _waxseal waxseal
fi
`;
}

function commandFunction({ path, options, values, commands }: OfferedCommand): string {
  const flags = options.map(optionSpec);
  const line = path === '' ? `  local -a _waxseal_line=("\${words[@]}")\n` : '';
  if (commands.length === 0) {
    return `${nameOf(path)}() {\n${line}${call([...flags, ...values.map(argumentSpec)])}\n}`;
  }
  const entries = commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`);
  const branches = commands.map((sub) => `        ${sub.name}) ${nameOf(sub.path)} ;;`);
  return `${nameOf(path)}() {
  local curcontext=$curcontext state state_descr line ret=1
  typeset -A opt_args
${line}  local -a commands=(
${entries.join('\n')}
  )
${call([...flags, quote('1: :->command'), quote('*:: :->rest')], '-C')} && ret=0
  case $state in
    command) _describe -t commands 'command' commands && ret=0 ;;
    rest)
      case $words[1] in
${branches.join('\n')}
      esac && ret=0
      ;;
  esac
  return ret
}`;
}

function call(specs: readonly string[], flag = '-S'): string {
  return `  _arguments -s ${flag} ${specs.map((spec) => `\\\n    ${spec}`).join(' ')}`;
}

function optionSpec({ flags, description, value, repeatable }: OfferedOption): string {
  const explained = `[${escape(description)}]${value === undefined ? '' : valueSpec(value, value.variadic)}`;
  const others = repeatable ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : '';
  const names = flags.map((flag) => (value !== undefined && flag.startsWith('--') ? `${flag}=` : flag));
  if (names.length === 1) return quote(`${others}${names[0] ?? ''}${explained}`);
  return `${quote(others)}{${names.join(',')}}${quote(explained)}`;
}

function argumentSpec(value: Value): string {
  return quote(`${value.variadic ? '*' : ''}${valueSpec(value, false)}`);
}

/** `:message:action`; an option with several values takes all words up to the next option. */
function valueSpec(value: Value, several: boolean): string {
  return `${several ? ':*-*' : ''}:${escape(value.name)}:${action(value)}`;
}

function action({ kind, choices }: Value): string {
  switch (kind) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'wax':
      return '__waxseal_wax';
    case 'key':
      return '__waxseal_keys';
    case 'choice':
      return `(${choices.join(' ')})`;
    case 'text':
      return ' ';
  }
}

function nameOf(path: string): string {
  return ['_waxseal', ...path.split(/[ -]/).filter((part) => part !== '')].join('_');
}

function escape(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
