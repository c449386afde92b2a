# What zsh offers: zsh -f complete.zsh SCRIPT LINE… Each line is typed into an interactive zsh; what the completion
# system adds is printed, after `=> LINE`.
zmodload zsh/zpty
script=$1
shift

# In the inner shell compadd is replaced by one that prints what it is given to match, and Tab prints an end.
setup=$(mktemp)
cat >$setup <<'SETUP'
PROMPT= PS2= RPROMPT=
unsetopt zle_bracketed_paste beep 2>/dev/null
autoload -U compinit
compinit -u -D
zstyle ':completion:*' list-grouped false
compadd() {
  # Calls that fill arrays are the completion system's own.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a hits prefix
  builtin compadd -A hits "$@"
  local at=${@[(i)-p]}
  (( at < $# )) && prefix=("${@[at+1]}")
  local hit
  for hit in $hits; do print -r -- "HIT ${prefix[1]}$hit"; done
  builtin compadd "$@"
}
show-completion() {
  print -r -- BEGIN
  zle complete-word
  print -r -- END
  BUFFER=
}
# Only one widget at a time can complete: a first Tab that inserts nothing and lists nothing.
unsetopt auto_list auto_menu list_ambiguous
zle -N show-completion
bindkey '^I' show-completion
SETUP
print -r -- "source ${(q)script}; print READY" >>$setup

await() { # reads until a line ends with $1
  local chunk
  got=
  while zpty -r inner chunk; do
    got+=$chunk
    [[ ${chunk%%[[:space:]]#} == *$1 ]] && return
  done
}
setopt extendedglob
zpty inner zsh -f -i
zpty -w inner "source ${(q)setup}"
await READY
for line in "$@"; do
  zpty -w -n inner "$line"$'\t'
  await END
  print -r -- "=> $line"
  print -r -- ${(F)${(M)${(f)${got//$'\r'}}:#*HIT *}} | sed 's/.*HIT //'
done
zpty -d inner
rm -f $setup
