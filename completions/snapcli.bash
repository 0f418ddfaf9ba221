# bash completion for snapcli. Printed by: snapcli completion bash
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
