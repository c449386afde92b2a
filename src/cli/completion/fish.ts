import { allCommands, type OfferedCommand, type OfferedOption, type Value } from './tree.ts';

/** The completion script for fish 3.2 and newer. */
export function fishCompletion(program: OfferedCommand): string {
  const commands = allCommands(program);
  const names = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  return `# fish completion of waxseal
# waxseal completion --help says where it goes.

# What the words up to the cursor say: the command, the number of its arguments, the option whose values go on.
function __waxseal_walk
    set -l path ''
    set -l count 0
    set -l skip no
    set -l many ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = yes
            set skip no
        else if string match -qr -- '^-.' $word
            set many ''
            if contains -- "$path $word" ${taking(commands, false)}
                set skip yes
            else if contains -- "$path $word" ${taking(commands, true)}
                set many $word
            end
        else if test -n "$many"
            continue
        else if contains -- (string trim -- "$path $word") ${names.join(' ')}
            set path (string trim -- "$path $word")
        else
            set count (math $count + 1)
        end
    end
    printf '%s\\n' "$path" $count "$many"
end

# Whether the line names the command $argv[1] ('' for none yet), with $argv[2] arguments where that is given.
function __waxseal_at
    set -l found (__waxseal_walk)
    test "$found[1]" = "$argv[1]" -a -z "$found[3]"
    and begin
        test (count $argv) -lt 2
        or test $found[2] -eq $argv[2]
    end
end

# Whether the line names the command $argv[1], however it goes on.
function __waxseal_in
    set -l found (__waxseal_walk)
    test "$found[1]" = "$argv[1]"
end

# Whether the word may be one more value of an option of the command $argv[1] that is one of the others.
function __waxseal_more
    set -l found (__waxseal_walk)
    test "$found[1]" = "$argv[1]"
    and contains -- "$found[3]" $argv[2..-1]
end

# Sealed files and folders; where there is none, any file.
function __waxseal_wax
    set -l found (__fish_complete_path (commandline -ct) | string match -r -- '^.*(?:\\.wax|/)(?:\\t.*)?$')
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end

# The names of the keys of the keyring that the line is about.
function __waxseal_keys
    set -l home
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case --home
                set home --home=$words[(math $i + 1)]
            case '--home=*'
                set home $words[$i]
        end
    end
    set home (string replace -r -- '^--home=~' "--home=$HOME" $home)
    command $words[1] $home completion keys 2>/dev/null </dev/null
end

complete -c waxseal -e
complete -c waxseal -f
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, options, values, commands }: OfferedCommand): string[] {
  const at = `__waxseal_at ${quote(path)}`;
  return [
    ...commands.map(({ name, description }) => line(at, `-a ${name}`, description)),
    ...options.map((option) => line(`__waxseal_in ${quote(path)}`, optionWords(option), option.description)),
    ...options.flatMap(({ flags, value }) =>
      value?.variadic === true ? [line(`__waxseal_more ${quote(path)} ${flags.join(' ')}`, offer(value), '')] : [],
    ),
    ...values.map((value, index) => line(value.variadic ? at : `${at} ${String(index)}`, offer(value), '')),
  ];
}

/** Every option that takes a value (or several), behind the path of its command, as words of fish. */
function taking(commands: readonly OfferedCommand[], variadic: boolean): string {
  return commands
    .flatMap(({ path, options }) =>
      options
        .filter(({ value }) => value?.variadic === variadic)
        .flatMap(({ flags }) => flags.map((flag) => quote(`${path} ${flag}`))),
    )
    .join(' ');
}

function optionWords({ flags, value }: OfferedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...(value === undefined ? [] : ['-r', offer(value)])].join(' ');
}

function offer({ kind, choices }: Value): string {
  switch (kind) {
    case 'file':
      return '-F';
    case 'folder':
      return `-f -a '(__fish_complete_directories (commandline -ct) "")'`;
    case 'wax':
      return "-f -a '(__waxseal_wax)'";
    case 'key':
      return "-f -a '(__waxseal_keys)'";
    case 'choice':
      return `-f -a ${quote(choices.join(' '))}`;
    case 'text':
      return '-f';
  }
}

function line(condition: string, what: string, description: string): string {
  const about = description === '' ? '' : ` -d ${quote(description)}`;
  return `complete -c waxseal -n ${quote(condition)} ${what}${about}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
