# fish completion for snapcli. Printed by: snapcli completion fish
#
#   snapcli completion fish | source
#   snapcli completion fish > ~/.config/fish/completions/snapcli.fish

function __snapcli_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program snapcli
    string match -q '*/snapcli' -- $words[1]; and test -x $words[1]; and set program $words[1]
    set -e words[1]
    set -l lines ($program __complete fish $words "$current" 2>/dev/null)
    switch "$lines[1]"
        case ':files'
            __fish_complete_path "$current"
        case ':folders'
            __fish_complete_directories "$current"
        case '*'
            test (count $lines) -gt 0; and printf '%s\n' $lines
    end
end
complete -c snapcli -f -k -a '(__snapcli_complete)'
