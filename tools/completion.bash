# SPDX-License-Identifier: Apache-2.0
# Completion of linnet for bash: commands and options come from the program's own help.
_linnet() {
    local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} words
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p') --help --version"
    elif [ "${current#-}" != "$current" ]; then
        words="$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | sed -n 's/^  .. \(--[a-z-]*\).*/\1/p') --help"
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -F _linnet linnet
