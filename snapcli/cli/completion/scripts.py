"""The scripts that make a shell ask `snapcli __complete`; `completions/` holds copies of them.

Each runs the program that the line begins with, so that what completes is what will run.
"""

from collections.abc import Mapping

_BASH = r"""# bash completion for snapcli. Printed by: snapcli completion bash
#
#   source <(snapcli completion bash)

_snapcli() {
  local program=snapcli word current= last= line value
  local -a words=()
  COMPREPLY=()
  case ${COMP_WORDS[0]} in
    */snapcli) [ -x "${COMP_WORDS[0]}" ] && program=${COMP_WORDS[0]} ;;
  esac
  # What bash cut at = and : is one word again.
  local at joined=
  for ((at = 1; at <= COMP_CWORD; at++)); do
    word=${COMP_WORDS[at]//[\"\'\\]/}
    case $word in
      = | : | :=)
        if [ ${#words[@]} -gt 0 ]; then
          words[${#words[@]} - 1]+=$word
          joined=1
          continue
        fi
        ;;
    esac
    if [ -n "$joined" ]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    joined=
  done
  last=${COMP_WORDS[COMP_CWORD]//[\"\'\\]/}
  case $last in = | : | :=) last= ;; esac
  current=${words[${#words[@]} - 1]}
  # bash puts in place only what stands behind the last = or :.
  local head=${current%"$last"}
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames 2>/dev/null; line= ;;
      :folders) compopt -o filenames 2>/dev/null; line= ;;
      *)
        line=${line#"$head"}
        # A list keeps its quotes from the shell, as far as the person has not seen to it.
        case $line:${COMP_WORDS[COMP_CWORD]} in
          *\"*:\'*) ;;
          *\"*:\"*) line=${line//\"/\'} ;;
          *\"*) printf -v line %q "$line" ;;
        esac
        COMPREPLY+=("$line")
        continue
        ;;
    esac
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$last")
  done < <("$program" __complete bash ${words[@]+"${words[@]}"} 2>/dev/null)
  case ${#COMPREPLY[@]}:${COMPREPLY[0]-} in
    *=) [ ${#COMPREPLY[@]} -eq 1 ] && compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}
complete -F _snapcli snapcli
"""

_ZSH = r"""#compdef snapcli
# zsh completion for snapcli. Printed by: snapcli completion zsh
#
#   source <(snapcli completion zsh)        after compinit, or
#   snapcli completion zsh > DIR/_snapcli   with DIR in fpath

_snapcli() {
  local program=snapcli line value about
  local -a said lines plain shown open open_shown
  [[ $words[1] == */snapcli && -x $words[1] ]] && program=$words[1]
  said=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
  lines=("${(@f)$("$program" __complete zsh "${said[@]}" 2>/dev/null)}")
  case $lines[1] in
    '') return 1 ;;
    :files) _files; return ;;
    :folders) _files -/; return ;;
  esac
  for line in "${lines[@]}"; do
    value=${line%%$'\t'*}
    about=$value
    [[ $line == *$'\t'* ]] && about="$value  -- ${line#*$'\t'}"
    if [[ $value == *= ]]; then
      open+=("$value"); open_shown+=("$about")
    else
      plain+=("$value"); shown+=("$about")
    fi
  done
  (( $#plain )) && compadd -l -V snapcli -d shown -a plain
  (( $#open )) && compadd -l -V snapcli-open -S '' -d open_shown -a open
  return 0
}

if [[ $funcstack[1] == _snapcli ]]; then
  _snapcli "$@"
else
  compdef _snapcli snapcli
fi
"""

_FISH = r"""# fish completion for snapcli. Printed by: snapcli completion fish
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
"""

SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
