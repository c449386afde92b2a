# What bash offers: bash complete.bash SCRIPT LINE… Prints the candidates of each line, after `=> LINE`.
source "$1"
shift

# Cuts a line into COMP_WORDS as readline does with the : and = of the standard COMP_WORDBREAKS.
cut_words() {
  local rest=$1
  COMP_WORDS=()
  while rest=${rest#"${rest%%[![:space:]]*}"}; [[ $rest =~ ^([:=]+|[^[:space:]:=]+) ]]; do
    COMP_WORDS+=("${BASH_REMATCH[0]}")
    rest=${rest#"${BASH_REMATCH[0]}"}
  done
  [[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
}

# Outside of a real completion compopt has nothing to change.
compopt() { :; }

for line; do
  COMP_LINE=$line COMP_POINT=${#line}
  cut_words "$line"
  _waxseal
  printf '=> %s\n' "$line"
  ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
done
