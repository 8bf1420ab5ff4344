"""The completion script for zsh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polarisctl.shells.places import FILE, Option, Place, Value

_TEMPLATE = """\
#compdef polarisctl
# zsh completion for polarisctl; made by `polarisctl completion zsh`
_polarisctl() {
    local curcontext=$curcontext state line
    typeset -A opt_args
%(top)s
}
# Autoloaded from $fpath this file is the function's body; sourced, it registers it.
if [[ $funcstack[1] == _polarisctl ]]; then
    _polarisctl "$@"
else
    compdef _polarisctl polarisctl
fi
"""


def script(places: Sequence[Place], top_options: Sequence[Option]) -> str:
    return _TEMPLATE % {"top": "\n".join(_choose("verb", places, top_options, "    "))}


def _choose(
    what: str, places: Sequence[Place], options: Sequence[Option], indent: str
) -> Iterator[str]:
    """Lines that complete one of `places`, then hand over to it."""
    yield f"{indent}_arguments -C \\"
    for option in options:
        yield f"{indent}    {_option(option)} \\"
    yield f"{indent}    '1: :->{what}' '*:: :->rest' && return"
    yield f"{indent}case $state in"
    yield f"{indent}    {what})"
    yield f"{indent}        local -a {what}s=("
    for place in places:
        yield f"{indent}            {_quoted(f'{place.path[-1]}:{place.help}')}"
    yield f"{indent}        )"
    yield f"{indent}        _describe {what} {what}s"
    yield f"{indent}        ;;"
    yield f"{indent}    rest)"
    yield f"{indent}        case $line[1] in"
    for place in places:
        yield f"{indent}            {place.path[-1]})"
        yield from _inside(place, f"{indent}                ")
        yield f"{indent}                ;;"
    yield f"{indent}        esac"
    yield f"{indent}        ;;"
    yield f"{indent}esac"


def _inside(place: Place, indent: str) -> Iterator[str]:
    if place.actions:
        yield from _choose("action", place.actions, place.options, indent)
        return
    specs = [_option(option) for option in place.options]
    if place.value is not None:
        specs.append(_quoted(f"1:{_message(place.value)}:{_action(place.value)}"))
    yield f"{indent}_arguments \\"
    for spec in specs[:-1]:
        yield f"{indent}    {spec} \\"
    yield f"{indent}    {specs[-1]}"


def _option(option: Option) -> str:
    """`'(-f --follow)'{-f,--follow}'[go on as lines come]'`."""
    takes = f":{_message(option.value)}:{_action(option.value)}" if option.value else ""
    text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    tail = _quoted(f"[{text}]{takes}")
    names = [flag + ("=" if takes and flag.startswith("--") else "") for flag in option.flags]
    if len(names) == 1:
        return names[0] + tail
    return f"'({' '.join(option.flags)})'{{{','.join(names)}}}{tail}"


def _message(value: Value) -> str:
    return "file" if value.kind == FILE else "value"


def _action(value: Value) -> str:
    if value.kind == FILE:
        return "_files"
    if not value.choices or not value.is_told:
        return f"({value.words})" if value.choices else ""
    # In double brackets zsh reads word:meaning.
    pairs = (f"{word}\\:{_escaped(text)}" for word, text in value.choices)
    return f"(({' '.join(pairs)}))"


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() else "\\" + char for char in text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
