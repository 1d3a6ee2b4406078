#compdef linnet
# SPDX-License-Identifier: Apache-2.0
# Completion of linnet for zsh: commands and options come from the program's own help.
_linnet() {
    local -a lines
    if (( CURRENT == 2 )); then
        lines=(${(f)"$(linnet --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *\(.*\)/\1:\2/p')"})
        _describe command lines
    elif [[ $PREFIX == -* ]]; then
        lines=(${(f)"$(linnet $words[2] --help 2>/dev/null | sed -n 's/^  .. \(--[a-z-]*\)[^ ]* *[A-Za-z=]*  *\(.*\)/\1:\2/p')"})
        _describe option lines
    else
        _files
    fi
}
_linnet "$@"
