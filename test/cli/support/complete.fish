# What fish offers: fish --no-config complete.fish SCRIPT LINE… Prints the candidates of each line, after `=> LINE`.
source $argv[1]
for line in $argv[2..-1]
    printf '=> %s\n' $line
    complete -C $line | string replace -r -- '\t.*' ''
end
# No candidates is an answer too.
true
