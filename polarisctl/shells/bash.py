"""The completion script for bash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polarisctl.shells.places import FILE, Place, Value

_TEMPLATE = """\
# bash completion for polarisctl; made by `polarisctl completion bash`
_polarisctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= i
    # bash takes --option=value for three words
    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            %(taking)s)
                [[ ${COMP_WORDS[i+1]} == = ]] && i=$((i + 1))
                i=$((i + 1))
                ;;
            -*) ;;
            *)
                case "$path ${COMP_WORDS[i]}" in
                    %(paths)s)
                        path="$path ${COMP_WORDS[i]}"
                        ;;
                esac
                ;;
        esac
    done
    case "$path:$prev" in
%(values)s
        *)
            case "$path:$cur" in
%(words)s
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _polarisctl polarisctl
"""
_FILES = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return'


def script(places: Sequence[Place], top_options: Sequence[str]) -> str:
    every = list(_all(places))
    taking = sorted({f for p in every for o in p.options if o.value for f in o.flags})
    top = ["        :--socket) " + _FILES + " ;;"]
    words = [
        f'                :-*) words="{" ".join(top_options)}" ;;',
        f'                :*) words="{" ".join(place.path[0] for place in places)}" ;;',
    ]
    values = [line for place in every for line in _value_lines(place)]
    words += [line for place in every for line in _word_lines(place)]
    return _TEMPLATE % {
        "taking": "|".join(taking),
        "paths": "|".join(f'"{_key(place)}"' for place in every),
        "values": "\n".join(top + values),
        "words": "\n".join(words),
    }


def _all(places: Sequence[Place]) -> Iterator[Place]:
    for place in places:
        yield place
        yield from _all(place.actions)


def _key(place: Place) -> str:
    return "".join(f" {word}" for word in place.path)


def _value_lines(place: Place) -> Iterator[str]:
    for option in place.options:
        if option.value is not None:
            cases = "|".join(f'"{_key(place)}:{flag}"' for flag in option.flags)
            yield f"        {cases}) {_fill(option.value)} ;;"


def _word_lines(place: Place) -> Iterator[str]:
    flags = " ".join(flag for option in place.options for flag in option.flags)
    yield f'                "{_key(place)}:"-*) words="{flags}" ;;'
    if place.actions:
        names = " ".join(action.path[-1] for action in place.actions)
        yield f'                "{_key(place)}:"*) words="{names}" ;;'
    elif place.value is not None:
        yield f'                "{_key(place)}:"*) {_fill(place.value)} ;;'


def _fill(value: Value) -> str:
    return _FILES if value.kind == FILE else f'words="{value.words}"'
