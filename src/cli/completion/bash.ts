import { allCommands, type OfferedCommand, type Value } from './tree.ts';

/** The completion script for bash 3.2 and newer. It needs nothing of the package bash-completion. */
export function bashCompletion(program: OfferedCommand): string {
  const commands = allCommands(program);
  return `# bash completion of waxseal
# waxseal completion --help says where it goes.

# The words up to the cursor, in words; the last one is the one to complete. Readline cuts words at : and = too.
_waxseal_words() {
  local rest=\${COMP_LINE:0:COMP_POINT} i word glue
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    glue=
    [[ \${#words[@]} -gt 0 && $rest != [[:space:]]* ]] && glue=1
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    ((i < COMP_CWORD)) || word=$rest
    rest=\${rest#"$word"}
    if [[ $glue ]]; then words[\${#words[@]}-1]+=$word; else words+=("$word"); fi
  done
}

# The subcommands of command $1.
_waxseal_commands() {
  case $1 in
${cases(commands, ({ commands: subs }) => subs.map(({ name }) => name).join(' '))}
  esac
}

# The options of command $1.
_waxseal_options() {
  case $1 in
${cases(commands, ({ options }) => options.flatMap(({ flags }) => flags).join(' '))}
  esac
}

# What the option $2 of command $1 takes.
_waxseal_option_value() {
  case "$1 $2" in
${commands.flatMap(optionValues).join('\n')}
  *) REPLY= ;;
  esac
}

# What the argument number $2 of command $1 is.
_waxseal_argument() {
  case "$1 $2" in
${commands.flatMap(argumentValues).join('\n')}
  *) REPLY= ;;
  esac
}

# Takes the lines that come in as candidates.
_waxseal_take() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

# Candidates of kind $1 for the word $2.
_waxseal_offer() {
  local IFS=$'\\n' line
  case $1 in
  file | wax | folder) compopt -o filenames 2>/dev/null ;;
  esac
  case $1 in
  file) _waxseal_take < <(compgen -f -- "$2") ;;
  folder) _waxseal_take < <(compgen -d -- "$2") ;;
  wax)
    _waxseal_take < <(compgen -d -- "$2")
    while IFS= read -r line; do
      [[ -d $line ]] || COMPREPLY+=("$line")
    done < <(compgen -f -X '!*.wax' -- "$2")
    [[ \${#COMPREPLY[@]} -gt 0 ]] || _waxseal_take < <(compgen -f -- "$2")
    ;;
  key) _waxseal_take < <(compgen -W "$(_waxseal_keys)" -- "$2") ;;
  choice:*) _waxseal_take < <(compgen -W "\${1#choice:}" -- "$2") ;;
  esac
}

# The names of the keys of the keyring that the line is about.
_waxseal_keys() {
  local i home=
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    case \${words[i]} in
    --home) home=\${words[i + 1]} ;;
    --home=*) home=\${words[i]#*=} ;;
    esac
  done
  [[ $home == "~"* ]] && home=$HOME\${home:1}
  "\${words[0]}" \${home:+"--home=$home"} completion keys 2>/dev/null </dev/null
}

_waxseal() {
  local words word cur path= count=0 i value= many= ended= prefix IFS=$' \\t\\n' REPLY
  COMPREPLY=()
  _waxseal_words
  cur=\${words[\${#words[@]}-1]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ $value && (! $many || $word != -*) ]]; then
      [[ $many ]] || value=
      continue
    fi
    value=
    if [[ $ended || $word != -?* ]]; then
      case " $(_waxseal_commands "$path") " in
      *" $word "*) path="\${path:+$path }$word" ;;
      *) ((++count)) ;;
      esac
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ $word != --*=* ]]; then
      _waxseal_option_value "$path" "$word"
      value=\${REPLY%+} many=
      [[ $REPLY == *+ ]] && many=1
    fi
  done
  if [[ $value && ! ($many && $cur == -*) ]]; then
    _waxseal_offer "$value" "$cur"
  elif [[ ! $ended && $cur == --*=* ]]; then
    prefix=\${cur%%=*}
    _waxseal_option_value "$path" "$prefix"
    _waxseal_offer "\${REPLY%+}" "\${cur#*=}"
    [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("\${COMPREPLY[@]/#/$prefix=}")
    cur=\${cur#*=}
  elif [[ ! $ended && $cur == -* ]]; then
    _waxseal_take < <(compgen -W "$(_waxseal_options "$path")" -- "$cur")
  else
    word=$(_waxseal_commands "$path")
    if [[ $word ]]; then
      _waxseal_take < <(compgen -W "$word" -- "$cur")
    else
      _waxseal_argument "$path" "$count"
      _waxseal_offer "$REPLY" "$cur"
    fi
  fi
  # Readline replaces what stands behind the last colon only.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    prefix=\${cur%"\${cur##*:}"}
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$prefix"}; done
  fi
}

complete -F _waxseal waxseal
`;
}

function cases(commands: readonly OfferedCommand[], text: (command: OfferedCommand) => string): string {
  return commands
    .filter((command) => text(command) !== '')
    .map((command) => `  ${quote(command.path)}) echo ${quote(text(command))} ;;`)
    .join('\n');
}

function optionValues({ path, options }: OfferedCommand): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    const patterns = flags.map((flag) => quote(`${path} ${flag}`)).join(' | ');
    return `  ${patterns}) REPLY=${quote(`${kindOf(value)}${value.variadic ? '+' : ''}`)} ;;`;
  });
}

function argumentValues({ path, values }: OfferedCommand): string[] {
  return values.map((value, index) => {
    const number = value.variadic ? '*' : String(index);
    return `  ${quote(`${path} `)}${number}) REPLY=${quote(kindOf(value))} ;;`;
  });
}

function kindOf({ kind, choices }: Value): string {
  return kind === 'choice' ? `choice:${choices.join('\n')}` : kind;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
